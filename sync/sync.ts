import { type Problem, RemoteError } from '../pipeline/errors.ts'
import { watchIncoming } from '../pipeline/incoming.ts'
import { type Pauses, pauseText, readPauses } from '../pipeline/pauses.ts'
import type { StepContext, StepSummary } from '../pipeline/step.ts'
import { applyMapping } from './apply.ts'
import { type Change, changesOf, countBadKeys, withDiff } from './changes.ts'
import { Tally } from './counts.ts'
import { type Exclusions, readExclusions } from './exclusions.ts'
import { type Deciding, type Fate, fateOf, newLinks } from './fate.ts'
import { guardProblem } from './guard.ts'
import { applyLinks } from './links.ts'
import type { Mapping, SwitchedOn } from './mapping.ts'
import { checkMappings } from './mapping-check.ts'
import { type SyncOrders, syncOrders } from './orders.ts'
import { PlanFile, ReadPlan } from './plan-file.ts'
import { Questions } from './questions.ts'
import { makeReady, type Ready, readDecisions, refuse } from './ready.ts'
import { archivedRow, plannedRow } from './rows.ts'
import { remote } from './session.ts'
import type { Settings } from './settings.ts'
import { OUTCOMES } from './tables.ts'
import { undo } from './undo.ts'

/** What planning and applying have in common. */
export interface Syncing {
  context: StepContext
  tally: Tally
  live: boolean
  orders: SyncOrders
  plan: ReadPlan | undefined
  exclusions: Exclusions
  questions: Questions
  pauses: Pauses
}

/** Compares every mapped row with the CRM, writes the plan, and carries it out where the target is live for `sync`. */
export async function sync(
  context: StepContext,
  crms: readonly SwitchedOn[],
  { guard }: Pick<Settings, 'guard'>,
): Promise<StepSummary> {
  const orders = syncOrders.parse(context.orders.sync ?? {})
  const mappings = crms.flatMap((crm) => crm.mappings)
  await checkMappings(context.connection, mappings)
  const live = context.live.has('sync')
  const tally = new Tally()
  const ready = await allReady(context, crms, tally)
  const pauses = await readPauses(context.connection, watchIncoming(context.paths.data))
  if (orders.undo !== undefined) return undo(context, ready, { id: orders.undo, live, tally, pauses })
  const syncing: Syncing = {
    context,
    tally,
    live,
    orders,
    plan: orders.apply === undefined ? undefined : ReadPlan.read(orders.apply),
    exclusions: await readExclusions(context),
    questions: await Questions.open(context),
    pauses,
  }
  const file = new PlanFile(context.paths.target)
  const acting = new Set<Mapping>()
  for (const crm of ready) {
    for (const mapping of crm.mappings) if ((await planMapping(syncing, crm, mapping, file)) > 0) acting.add(mapping)
  }
  file.close()
  syncing.plan?.refuseIfMoved()
  const stopped =
    live && !orders.yes && syncing.plan === undefined ? await guardProblem(context, guard, tally) : undefined
  if (stopped !== undefined) tally.failures.push({ kind: 'row', message: stopped })
  const paused = live ? pauses.of('sync') : undefined
  if (live && stopped === undefined && paused === undefined)
    for (const crm of ready) await applyCrm(syncing, crm, acting)
  await syncing.questions.close(new Set(ready.map(({ name }) => name)))
  const nothing = stopped ?? (paused === undefined ? undefined : pauseText(paused))
  const text = nothing === undefined ? tally.text(live) : `${tally.text(false)}: ${nothing}`
  const unfinished = nothing !== undefined || tally.unknown + tally.undone + tally.waiting > 0
  return { rows: tally.rows, text, counts: tally.counts, failures: tally.failures, unfinished }
}

/** Those that answer, and whose mappings fit. Everything wrong with mappings is told at once; a CRM that says no is left out. */
async function allReady(context: StepContext, crms: readonly SwitchedOn[], tally: Tally): Promise<Ready[]> {
  const decisions = await readDecisions(context)
  const problems: Problem[] = []
  const ready: Ready[] = []
  for (const crm of crms) {
    try {
      ready.push(await makeReady(context, crm, decisions, problems))
    } catch (error) {
      fail(tally, error, crm.name)
    }
  }
  refuse(problems)
  return ready
}

/** A remote no is this CRM's alone; everything else stops the step. */
function fail(tally: Tally, error: unknown, crm: string): void {
  const known = remote(error, crm)
  if (!(known instanceof RemoteError)) throw error
  tally.failures.push({ kind: 'remote', message: known.message })
}

export function decidingOf({ orders, exclusions }: Syncing, { shapes }: Ready, mapping: Mapping): Deciding {
  const { retry } = orders
  return { mapping, shape: shapes.get(mapping.object) ?? '', retry, against: exclusions.against }
}

/** Says what there is to do, and answers how many records that is. Unless live, it is also recorded, as planned. */
async function planMapping(syncing: Syncing, crm: Ready, mapping: Mapping, file: PlanFile): Promise<number> {
  const { context, tally, live, plan, questions } = syncing
  const bad = await countBadKeys(context.connection, mapping)
  if (bad > 0) {
    const message = `${mapping.yaml.file}: ${bad} rows of ${mapping.from} have no ${mapping.key} or share it; they are not synced`
    tally.failures.push({ kind: 'row', message })
  }
  const deciding = decidingOf(syncing, crm, mapping)
  let acts = 0
  async function* planned(): AsyncGenerator<object[]> {
    for await (const changes of changesOf(context.connection, mapping, crm.judgements.get(mapping.object))) {
      context.signal.throwIfAborted()
      syncing.exclusions.refresh()
      const rows: object[] = []
      for (const one of changes) {
        const fate = fateOf(one, deciding)
        const change = fate === 'archive' ? withDiff(one, { ...one.diff, operation: 'archive' }) : one
        count(tally, change, fate, mapping)
        questions.ask(change, fate)
        if (plan?.has(change) && !plan.agrees(change))
          plan.moved.push(`${change.crm} ${change.object} ${change.record_id}`)
        const isAct = fate === 'write' || fate === 'archive'
        if (isAct) acts += 1
        if (isAct || change.diff.conflicts.length > 0 || change.deleted || fate === 'ambiguous') file.add([change])
        if (fate === 'void' || (isAct && !live && fate === 'write')) rows.push(plannedRow(change, fate === 'write'))
        else if (isAct && !live) rows.push(archivedRow(change, null))
      }
      yield rows
    }
  }
  await context.record(OUTCOMES, planned())
  return acts
}

function count(tally: Tally, change: Change, fate: Fate, mapping: Mapping): void {
  const { diff, wanted, deleted } = change
  tally.conflicts += diff.conflicts.length
  if (deleted) tally.deleted += 1
  if (fate === 'write') tally[diff.operation === 'create' ? 'create' : 'update'] += 1
  else if (fate === 'archive') tally.archive += 1
  else if (fate === 'ambiguous' || fate === 'excluded' || fate === 'refused') tally[fate] += 1
  else if (wanted && newLinks(change, mapping).length === 0) tally.unchanged += 1
}

/**
 * One CRM: parents before children, then what hangs on what. `acting`: mappings of which something is planned. Of the others
 * only those can come to something whose records are born with parents that this run makes.
 */
async function applyCrm(syncing: Syncing, crm: Ready, acting: ReadonlySet<Mapping>): Promise<void> {
  const applied = new Set<string>()
  try {
    for (const mapping of crm.mappings) {
      const { object, kind, links } = mapping
      const onNew = Object.values(links).some((parent) => kind.links[parent] === 'inline' && applied.has(parent))
      if (!acting.has(mapping) && !onNew) continue
      await applyMapping(syncing, crm, mapping)
      applied.add(object)
    }
    for (const mapping of crm.mappings) await applyLinks(syncing, crm, mapping)
  } catch (error) {
    fail(syncing.tally, error, crm.name)
  }
}
