import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ProjectError } from '../errors.ts'
import { reach } from '../graph.ts'
import { hashFile } from '../hash.ts'
import type { LoadOptions, Project } from '../load.ts'
import type { GraphNode, ModelNode, StepNode } from '../nodes.ts'
import { keyOf } from '../published.ts'
import type { Listener } from '../results.ts'
import type { Effects } from '../run.ts'
import { fingerprintsOf } from '../state/fingerprint.ts'
import { withProjectAt } from '../state/previous.ts'
import { textHash } from '../state/tree.ts'
import type { Places } from '../warehouse/home.ts'
import { compareRelations, onlyOn, type RelationChange, unchanged } from './compare.ts'
import type { DiffPart, Figure, FigureSpec, Told } from './part.ts'
import { findPublication } from './publication.ts'
import { type Realized, realize } from './realize.ts'
import { copyWhole, makeScratch, type Scratch } from './scratch.ts'
import { openSides, type Sides } from './sides.ts'
import { type Spared, sparedColumns, sparedOf } from './spared.ts'

export interface DiffOptions {
  project: Project
  loadOptions: LoadOptions
  places: Places
  /** A git ref; absent: the publication. */
  ref: string | undefined
  /** Which publication; absent: the last one. */
  against: string | undefined
  as_of: string | undefined
  threads: number | undefined
  /** People's values as they are. */
  show_people: boolean
  limit: number
  listener: Listener
  effects: Effects
}

export interface DiffResult {
  /** What this tree was compared with. */
  before: string
  as_of: string
  /** In alphabetical order. */
  marts: RelationChange[]
  /** Marts that only tell of past runs, and are not compared. */
  left_out: string[]
  parts: { name: string; title: string; told: Told }[]
  figures: ReadonlyMap<string, Figure>
  notes: string[]
  /** Names of what was built anew, in order. */
  rebuilt: string[]
  /** Seconds by phase. */
  timing: Record<string, number>
  /** The same of all processors together. */
  cpu: Record<string, number>
}

const MARTS = 'marts'

/** What this tree would change, on the data that is there. Touches neither ledger, build file nor publication. */
export async function diff(options: DiffOptions): Promise<DiffResult> {
  return options.ref === undefined ? againstPublication(options) : againstRef(options, options.ref)
}

/** What is known of how it was. */
interface Before {
  name: string
  /** The database file that holds its tables. */
  file: string
  /** Mart → what changes with its content; what is not there must be read. */
  versions: ReadonlyMap<string, string>
  /** Step id → what it does, as far as that is known. */
  steps: ReadonlyMap<string, string> | undefined
  /** The parts of the project as it was; undefined where there are only tables. */
  parts: readonly DiffPart[] | undefined
  notes: string[]
}

async function againstPublication(options: DiffOptions): Promise<DiffResult> {
  const { project, places, against, effects } = options
  needsLedger(options)
  const clock = new Clock()
  const publication = await findPublication(project.root, against, places, effects.signal)
  let scratch: Scratch | undefined
  try {
    const as_of = options.as_of ?? publication.as_of
    scratch = await makeScratch(places, 'after', pause(effects))
    clock.lap('copy')
    const { kept } = publication
    const told = kept && (({ id }: StepNode) => kept.nodes[id]?.told)
    const spared = spare(project, told)
    const versions = new Map(Object.entries(kept?.versions ?? {}))
    const names = project.diffs.flatMap(({ builds = [] }) => builds)
    const keeping = names.length === 0 ? {} : { keeping: { names, versions } }
    const realized = await realize({ ...realizing(options, as_of), scratch, leaves: 'view', spared, ...keeping })
    clock.lap('build')
    const { info } = realized
    const notes: string[] = []
    if (info.ledger_id !== publication.ledger_id)
      notes.push(`${publication.name} was made from another ledger (${publication.ledger_id}): the data differ, too`)
    else if (info.generation > publication.generation + 1)
      notes.push(`the ledger has grown since ${publication.name}: some of the differences may be of the data`)
    if (as_of !== publication.as_of)
      notes.push(`${publication.name} is as of ${publication.as_of}: some of the differences are of the date`)
    const steps = kept && new Map(Object.entries(kept.nodes).map(([id, { body }]) => [id, body]))
    const before = { name: publication.name, file: publication.file, versions, steps, parts: undefined, notes }
    return await compareSides(options, { before, realized, as_of, clock, scratch, spared })
  } finally {
    scratch?.remove()
    publication.remove()
  }
}

async function againstRef(options: DiffOptions, ref: string): Promise<DiffResult> {
  const { project, places, effects, loadOptions } = options
  needsLedger(options)
  const clock = new Clock()
  return withProjectAt(project.root, ref, loadOptions, 'diff', async (was, commit) => {
    const as_of = options.as_of ?? (await publishedDate(options))
    const scratch = await makeScratch(places, 'before', pause(effects))
    try {
      clock.lap('copy')
      const prints = fingerprintsOf(was.graph, hashFile)
      const spared = spare(project, ({ id }) => prints.get(id)?.told)
      const its = { project: was, wanted: wantedOf(was) }
      const old = await realize({ ...realizing(options, as_of), ...its, scratch, leaves: 'table', spared })
      const versions = await versionsOf(was, old)
      await old.session.checkpoint()
      old.session.close()
      clock.lap('build before')
      const build = join(scratch.folder, 'after.duckdb')
      await copyWhole(scratch.places.build, build, pause(effects))
      clock.lap('copy after')
      const mine = { ...scratch, places: { ...scratch.places, build } }
      const realized = await realize({ ...realizing(options, as_of), scratch: mine, leaves: 'view', spared })
      clock.lap('build')
      const steps = new Map([...prints].map(([id, { body }]) => [id, body]))
      const name = `${ref} (${commit.slice(0, 7)})`
      const before = { name, file: scratch.places.build, versions, steps, parts: was.diffs, notes: [] }
      return await compareSides(options, { before, realized, as_of, clock, scratch, spared })
    } finally {
      scratch.remove()
    }
  })
}

function needsLedger({ places, project }: DiffOptions): void {
  if (existsSync(places.ledger)) return
  const pull = typeof project.config.target.ledger === 'string' ? 'pipeline run' : 'pipeline ledger pull'
  throw new ProjectError([{ file: 'data', message: `there is no ledger at ${places.ledger} yet`, hint: pull }])
}

function realizing({ project, effects, threads, listener }: DiffOptions, as_of: string) {
  const wanted = wantedOf(project)
  return { project, as_of, now: () => effects.now(), signal: effects.signal, threads, listener, wanted }
}

/** What is compared, seeds, and what the parts of the report ask for besides. */
function wantedOf({ graph, diffs }: Project): Set<string> {
  const named = new Set(diffs.flatMap(({ builds = [] }) => builds))
  const builds = (node: GraphNode) =>
    named.has(node.name) || (node.kind === 'step' && node.step.builds?.some(({ name }) => named.has(name)) === true)
  const isMart = (node: GraphNode) => node.kind === 'model' && node.relation.schema === MARTS
  const asked = [...graph.nodes.values()].filter((node) => node.kind === 'seed' || isMart(node) || builds(node))
  return new Set(asked.map(({ id }) => id))
}

/** What only tells is made where it is made otherwise than before. `told`: what decided it then; absent: unknown. */
function spare({ graph, diffs }: Project, told: ((step: StepNode) => string | undefined) | undefined): Spared {
  const now = fingerprintsOf(graph, hashFile)
  const same = (step: StepNode) => told === undefined || told(step) === now.get(step.id)?.told
  return sparedColumns(graph, same, (column) => diffs.some((part) => part.needs?.(column) === true))
}

function pause({ sleep, signal }: Effects): (ms: number) => Promise<void> {
  return (ms) => sleep(ms, signal)
}

/** The date of the last publication, so that what stands need not be built again for another day; else today. */
async function publishedDate({ project, places, effects }: DiffOptions): Promise<string> {
  try {
    return (await findPublication(project.root, undefined, places, effects.signal)).as_of
  } catch {
    return effects.now().toISOString().slice(0, 10)
  }
}

async function versionsOf({ graph }: Project, realized: Realized): Promise<Map<string, string>> {
  const versions = new Map<string, string>()
  for (const node of martsOf({ graph })) versions.set(node.id, textHash(await realized.version(node.id)))
  return versions
}

function martsOf({ graph }: Pick<Project, 'graph'>): ModelNode[] {
  return [...graph.nodes.values()].filter(
    (node): node is ModelNode => node.kind === 'model' && node.relation.schema === MARTS,
  )
}

interface Comparing {
  before: Before
  realized: Realized
  as_of: string
  clock: Clock
  scratch: Scratch
  spared: Spared
}

async function compareSides(options: DiffOptions, comparing: Comparing): Promise<DiffResult> {
  const { project, show_people, limit } = options
  const { before, realized, as_of, clock, scratch, spared } = comparing
  const sides = await openSides(realized.session, before.file, join(scratch.folder, 'found.duckdb'))
  try {
    const { marts, left_out, standing } = await compareMarts(options, comparing, sides)
    clock.lap('compare')
    const steps = new Map([...fingerprintsOf(project.graph, hashFile)].map(([id, { body }]) => [id, body]))
    const stepId = (name: string) => [...project.graph.nodes.values()].find((node) => node.name === name)?.id ?? name
    const changes = new Map(marts.map((mart) => [mart.name, mart]))
    const parts: DiffResult['parts'] = []
    for (const part of project.diffs) {
      const { name, title } = part
      const missing = part.reads.find((mart) => !sides.has('before', mart) || !sides.has('after', mart))
      if (missing !== undefined) {
        const told = { figures: {}, tables: [], notes: [`not compared: ${missing} is only on one side`] }
        parts.push({ name, title, told })
        continue
      }
      const old = before.parts?.find((other) => other.name === name)
      const world = sides.worldOf({
        part: name,
        as_of,
        show_people,
        limit,
        own: { before: old !== undefined, after: true },
        differs: (...names) =>
          names.some((mart) => !standing.has(mart) && (changes.get(mart)?.state ?? 'changed') !== 'unchanged'),
        built: (side) => side === 'after' || before.parts !== undefined || realized.kept,
        spared: (mart) => sparedOf(project.graph, spared, stepId(mart)),
        sameStep: (step) => before.steps && before.steps.get(stepId(step)) === steps.get(stepId(step)),
      })
      const [first, second] = [sides.sideOf('before', world), sides.sideOf('after', world)]
      await (old ?? part).prepare?.(first)
      await part.prepare?.(second)
      await (old ?? part).refine?.(first)
      await part.refine?.(second)
      parts.push({ name, title, told: await part.tell(world) })
      clock.lap(name)
    }
    const rebuilt = realized.results.filter(({ status }) => status === 'success').map(({ node }) => node.name)
    const { name, notes } = before
    return {
      before: name,
      as_of,
      marts,
      left_out,
      parts,
      figures: figuresOf(marts, parts),
      notes,
      rebuilt,
      timing: clock.seconds,
      cpu: clock.cpu,
    }
  } finally {
    sides.close()
  }
}

async function compareMarts(
  { project }: DiffOptions,
  { before, realized, spared }: Comparing,
  sides: Sides,
): Promise<{ marts: RelationChange[]; left_out: string[]; standing: Set<string> }> {
  const marts: RelationChange[] = []
  const left_out: string[] = []
  /** Those whose content is known to be the same without a look at it. */
  const standing = new Set<string>()
  const told = toldOfRuns(project, realized)
  const { connection } = sides
  const here = new Map(martsOf(project).map((node) => [node.relation.name, node]))
  for (const name of [...new Set([...here.keys(), ...sides.names('before')])].sort()) {
    const node = here.get(name)
    const same = node && before.versions.get(node.id) === textHash(await realized.version(node.id))
    if (same === true) standing.add(name)
    if (node === undefined) {
      marts.push(await onlyOn(connection, name, await sides.readable('before', name), 'gone'))
    } else if (!sides.has('before', name)) {
      marts.push(await onlyOn(connection, name, sides.relation('after', name), 'new'))
    } else if (told.has(node.id)) left_out.push(name)
    else {
      const key = keyOf(node, project.graph)
      const was = same ? undefined : await sides.readable('before', name)
      marts.push(
        was === undefined
          ? unchanged(name, key)
          : await compareRelations(
              ...([connection, name, was, sides.relation('after', name)] as const),
              ...([key, sparedOf(project.graph, spared, node.id)] as const),
            ),
      )
    }
  }
  return { marts, left_out, standing }
}

/** Models that read the log of runs and are what they were: they differ with each run, whatever the tree says. */
function toldOfRuns({ graph }: Project, { results }: Realized): Set<string> {
  const logs = [...graph.nodes.values()].filter((node) => node.kind === 'source' && node.source === 'ledger')
  const edited = results.flatMap(({ node, reason = '' }) =>
    /(SQL|file|settings|config) changed/.test(reason) ? [node.id] : [],
  )
  const touched = reach(graph, edited, 'down')
  const readers = reach(
    graph,
    logs.map(({ id }) => id),
    'down',
  )
  return new Set([...readers].filter((id) => !touched.has(id)))
}

/** The figures that `--fail-if` may name, known before anything is compared. */
export function figureSpecs(project: Project): FigureSpec[] {
  const rows = (name: string) =>
    (['added', 'removed', 'changed'] as const).map((what) => ({
      name: `${name}.${what}`,
      label: `rows of ${name} ${what}`,
      of: `rows of ${name} before`,
    }))
  return [
    ...project.diffs.flatMap(({ figures }) => figures),
    { name: 'marts_changed', label: 'marts with any difference' },
    ...martsOf(project)
      .map(({ relation }) => relation.name)
      .sort()
      .flatMap(rows),
  ]
}

function figuresOf(marts: readonly RelationChange[], parts: DiffResult['parts']): Map<string, Figure> {
  const figures = new Map<string, Figure>()
  for (const { told } of parts) for (const [name, figure] of Object.entries(told.figures)) figures.set(name, figure)
  figures.set('marts_changed', { value: marts.filter(({ state }) => state !== 'unchanged').length })
  for (const mart of marts)
    for (const what of ['added', 'removed', 'changed'] as const)
      figures.set(`${mart.name}.${what}`, { value: mart[what], of: mart.rows_before })
  return figures
}

class Clock {
  readonly seconds: Record<string, number> = {}
  readonly cpu: Record<string, number> = {}
  #last = performance.now()
  #used = process.cpuUsage()

  lap(name: string): void {
    const now = performance.now()
    const { user, system } = process.cpuUsage(this.#used)
    this.seconds[name] = Number(((now - this.#last) / 1000).toFixed(3))
    this.cpu[name] = Number(((user + system) / 1e6).toFixed(3))
    this.#last = now
    this.#used = process.cpuUsage()
  }
}
