import type { DiffPart, DiffTable, DiffWorld, SideWorld, Told } from '../pipeline/diff/part.ts'
import { quoteIdentifier, quoteLiteral } from '../pipeline/table.ts'
import type { Desk } from './desk.ts'
import { AUDIENCE_MARTS, audienceScope, casesOf, columnsRead, dueSelect, mentions } from './due.ts'
import { CONTACTED, STOPS } from './events.ts'
import { planLead } from './plan.ts'

const STEP = 'outreach_plan'
const EVENTS_MART = 'fct_outreach_events'

const PLANNED = {
  event_id: 'VARCHAR',
  lead_id: 'VARCHAR',
  channel: 'VARCHAR',
  sequence: 'VARCHAR',
  step_id: 'VARCHAR',
  status: 'VARCHAR',
  skip_reason: 'VARCHAR',
  /** All that would be said, and to whom; never shown. */
  words: 'VARCHAR',
}

/** Which messages would newly go out or stop: both sides are planned, for the leads whose case differs. */
export function movedMessages(desk: Omit<Desk, 'as_of'>): DiffPart {
  return {
    name: 'messages',
    title: 'Messages',
    reads: [...AUDIENCE_MARTS],
    needs: (column) => mentions(desk.sequences, column),
    figures: [
      { name: 'messages_started', label: 'messages that would newly go out', of: 'messages planned before' },
      { name: 'messages_stopped', label: 'messages that would not go out any more', of: 'messages planned before' },
      { name: 'messages_reworded', label: 'messages that would say something else', of: 'messages planned before' },
    ],
    prepare: (world) => findCandidates(world, desk),
    refine: (world) => planCases(world, desk),
    tell: (world) => tell(world, desk),
  }
}

/** Plans the leads whose case may be another, or, where the sequences are, all of them. */
async function planCases(world: SideWorld, desk: Omit<Desk, 'as_of'>): Promise<void> {
  const { connection, writer, place, as_of } = world
  const columns = Object.entries(PLANNED).map(([name, type]) => `${name} ${type}`)
  await connection.run(`create table ${place('planned')} (${columns.join(', ')})`)
  const concerned = whom(world)
  if (concerned === 'nobody') return
  const among = concerned === 'all' ? undefined : place('candidates', 'after')
  const sql = await dueSelect(connection, desk.sequences, among)
  for await (const cases of casesOf(connection, sql)) {
    const outcomes = cases.flatMap((one) => planLead(one, { ...desk, as_of }))
    const events = outcomes.filter(({ event }) => event.status === 'planned' || event.status === 'skipped')
    const rows = events.map(({ event: { subject, body, mailbox, contact_id, planned_at, ...event } }) => {
      const words = JSON.stringify([contact_id, mailbox, subject, body])
      return { ...event, words }
    })
    await writer.insert(
      place('planned'),
      PLANNED,
      rows.map((row) =>
        Object.fromEntries(Object.keys(PLANNED).map((name) => [name, row[name as keyof typeof PLANNED]])),
      ),
    )
  }
}

const KEYS: Record<(typeof AUDIENCE_MARTS)[number], string> = {
  fct_scored_leads: 'lead_id',
  fct_enriched_leads: 'lead_id',
  dim_contacts: 'contact_id',
  dim_companies: 'company_id',
}

/** Whose case can be another on the two sides. */
function whom({ differs, sameStep }: SideWorld): 'all' | 'some' | 'nobody' {
  if (sameStep(STEP) !== true) return 'all'
  return differs(...AUDIENCE_MARTS) ? 'some' : 'nobody'
}

/**
 * A table of the leads of which something differs that is read here, and of those they share an address with: on the side
 * after it has those of both sides, and both are planned for them.
 */
async function findCandidates(world: SideWorld, desk: Omit<Desk, 'as_of'>): Promise<void> {
  if (whom(world) !== 'some') return
  const { connection, side, place } = world
  const among = place('candidates')
  await connection.run(`create table ${among} (lead_id varchar)`)
  if (side === 'before') await findDiffering(world, desk, among)
  else await connection.run(`insert into ${among} select lead_id from ${place('candidates', 'before')}`)
  const scope = await audienceScope(connection)
  const reached = (leads: string) => `
    select lead_id, unnest([lower(trim(email)), lower(trim(linkedin_url))]) as address from (${scope}) ${leads}`
  for (let [newest, round] = [among, 1]; ; round++) {
    const next = place(`candidates ${round}`)
    await connection.run(`
      create table ${next} as
      with shared as (select distinct address from (${reached(`where lead_id in (select lead_id from ${newest})`)}) where address <> '')
      select distinct lead_id from (${reached('')}) as leads
      where address in (select address from shared) and lead_id not in (select lead_id from ${among})`)
    const grown = await connection.run(`insert into ${among} select lead_id from ${next}`)
    if (grown === 0) return
    newest = next
  }
}

async function findDiffering(
  { connection, differs, relation }: SideWorld,
  { sequences }: Omit<Desk, 'as_of'>,
  among: string,
): Promise<void> {
  for (const [mart, columns] of await columnsRead(connection, sequences)) {
    if (!differs(mart)) continue
    const key = KEYS[mart as keyof typeof KEYS]
    const values = columns.flatMap((column) => [quoteIdentifier(column), `${quoteIdentifier(column)} is null`])
    const side = (which: 'before' | 'after') =>
      `(select ${key} as id, hash(${values.join(', ')}) as content from ${relation(which, mart)})`
    const leads = (which: 'before' | 'after') =>
      `select lead_id from ${relation(which, 'fct_enriched_leads')} where ${key} in (select id from differing)`
    const found = key === 'lead_id' ? 'select id from differing' : `${leads('before')} union ${leads('after')}`
    await connection.run(`
      insert into ${among}
      with differing as (
        select coalesce(a.id, b.id) as id from ${side('before')} as b full join ${side('after')} as a on a.id = b.id
        where a.content is distinct from b.content
      )
      ${found}`)
  }
}

async function tell(world: DiffWorld, { sequences }: Omit<Desk, 'as_of'>): Promise<Told> {
  const { connection, place, has, relation } = world
  // A publication's own sequences are not known: what it planned is.
  const known = world.own('before') || world.sameStep(STEP) === true || !has('before', EVENTS_MART)
  const before = known
    ? place('planned', 'before')
    : `(select event_id, lead_id, channel, sequence, step_id, status, skip_reason,
          to_json([contact_id, mailbox, subject, body])::varchar as words from ${relation('before', EVENTS_MART)})`
  await connection.run(`
    create table ${place('changes', 'after')} as
    with was as (select * from ${before} where status = 'planned'),
    is_now as (select * from ${place('planned', 'after')} where status = 'planned'),
    refused as (select event_id, skip_reason from ${place('planned', 'after')} where status = 'skipped')
    select
      coalesce(a.event_id, b.event_id) as event_id, coalesce(a.lead_id, b.lead_id) as lead_id,
      coalesce(a.channel, b.channel) as channel, coalesce(a.sequence, b.sequence) as sequence,
      coalesce(a.step_id, b.step_id) as step,
      case when b.event_id is null then 'starts' when a.event_id is null then 'stops' else 'other words' end as change,
      case when a.event_id is null then coalesce(refused.skip_reason, 'not planned') end as because
    from was as b
    full join is_now as a on a.event_id = b.event_id
    left join refused on refused.event_id = b.event_id
    where a.event_id is null or b.event_id is null or a.words <> b.words`)
  const [counted] = await connection.rows<Record<'starts' | 'stops' | 'words', number>>(`
    select count(*) filter (where change = 'starts') as starts, count(*) filter (where change = 'stops') as stops,
      count(*) filter (where change = 'other words') as words
    from ${place('changes', 'after')}`)
  const of = await plannedBefore(world)
  const { starts, stops, words } = counted!
  return {
    figures: {
      messages_started: { value: starts, of },
      messages_stopped: { value: stops, of },
      messages_reworded: { value: words, of },
    },
    tables: [await byStep(world), await list(world), await inFlight(world, sequences)],
    notes: known ? [] : ['the sequences are not those of the publication: before stands what it had planned'],
  }
}

async function plannedBefore({ connection, has, relation }: DiffWorld): Promise<number> {
  if (!has('before', EVENTS_MART)) return 0
  const [counted] = await connection.rows<{ n: number }>(
    `select count(*) as n from ${relation('before', EVENTS_MART)} where status = 'planned'`,
  )
  return counted!.n
}

async function byStep({ connection, place }: DiffWorld): Promise<DiffTable> {
  const rows = await connection.rows(`
    select sequence, step, channel, change, because, count(*) as messages
    from ${place('changes', 'after')} group by all order by all`)
  return {
    name: 'steps',
    title: 'By step',
    columns: ['sequence', 'step', 'channel', 'change', 'because', 'messages'],
    rows,
    total: rows.length,
  }
}

async function list({ connection, place, limit }: DiffWorld): Promise<DiffTable> {
  const [counted] = await connection.rows<{ n: number }>(`select count(*) as n from ${place('changes', 'after')}`)
  const rows = await connection.rows(`
    select event_id, lead_id, sequence, step, channel, change, because
    from ${place('changes', 'after')} order by lead_id, sequence, step limit ${limit}`)
  const columns = ['lead_id', 'sequence', 'step', 'channel', 'change', 'because']
  return { name: 'messages', title: 'Messages', columns, rows, total: counted!.n }
}

/** Leads that were written to by another version of a sequence, and whose sequence goes on. */
export async function inFlight(
  { on }: Pick<DiffWorld, 'on'>,
  sequences: readonly Pick<Desk['sequences'][number], 'name' | 'version'>[],
): Promise<DiffTable> {
  const words = (list: readonly string[]) => list.map(quoteLiteral).join(', ')
  const versions = sequences.map(({ name, version }) => `(${quoteLiteral(name)}, ${quoteLiteral(version)})`)
  const columns = ['sequence', 'version', 'version_now', 'leads']
  const title = 'Leads in flight on an older version of a sequence'
  if (versions.length === 0) return { name: 'in_flight', title, columns, rows: [], total: 0 }
  const rows = await on('after').rows(`
    with leads as (
      select lead_id, sequence, arg_max(sequence_version, (sequence_step, event_id)) filter (where status in (${words(CONTACTED)})) as version
      from raw.outreach__events
      group by lead_id, sequence
      having bool_or(status in (${words(CONTACTED)})) and not bool_or(status in (${words(STOPS)}))
    )
    select leads.sequence, leads.version, now.version as version_now, count(*) as leads
    from leads
    join (values ${versions.join(', ')}) as now (sequence, version) on now.sequence = leads.sequence
    where leads.version <> now.version
    group by all order by all`)
  return { name: 'in_flight', title, columns, rows, total: rows.length }
}
