import type { DiffPart, DiffTable, DiffWorld, Told } from '../pipeline/diff/part.ts'
import type { Row } from '../pipeline/warehouse/duckdb.ts'

const SCORED = 'fct_scored_leads'

/** Named as what moved a lead when no rule did: its score is what it was, or went the other way. */
export const CUT_OFFS = 'tier.cut_off'

/** Which leads a change moves, from which tier to which, and the rule that moved each. Reads only marts. */
export const movedLeads: DiffPart = {
  name: 'leads',
  title: 'Leads',
  reads: [SCORED],
  figures: [
    { name: 'tier_changes', label: 'leads that change tier', of: 'leads before' },
    { name: 'tier_up', label: 'leads that rise', of: 'leads before' },
    { name: 'tier_down', label: 'leads that fall', of: 'leads before' },
    { name: 'status_changes', label: 'leads that change status', of: 'leads before' },
    { name: 'score_changes', label: 'leads with another score', of: 'leads before' },
    { name: 'leads_added', label: 'leads that are new', of: 'leads before' },
    { name: 'leads_removed', label: 'leads that are gone', of: 'leads before' },
  ],
  tell: async (world) => (world.differs(SCORED) ? moved(world) : nothing(world)),
}

async function nothing({ connection, relation }: DiffWorld): Promise<Told> {
  const [counted] = await connection.rows<{ n: number }>(`select count(*) as n from ${relation('after', SCORED)}`)
  const figures = Object.fromEntries(movedLeads.figures.map(({ name }) => [name, { value: 0, of: counted!.n }]))
  return { figures, tables: [], notes: [] }
}

async function moved(world: DiffWorld): Promise<Told> {
  await joinScores(world)
  await sumDeltas(world)
  const [counted] = await world.connection.rows<Record<string, number>>(`
    select
      (select count(*) from ${world.relation('before', SCORED)}) as leads,
      count(*) filter (where tier_changes) as tier_changes,
      count(*) filter (where tier_changes and direction > 0) as tier_up,
      count(*) filter (where tier_changes and direction < 0) as tier_down,
      count(*) filter (where status_changes) as status_changes,
      count(*) filter (where score_delta <> 0) as score_changes,
      count(*) filter (where tier_before is null) as leads_added,
      count(*) filter (where tier_after is null) as leads_removed
    from ${place(world, 'scores')}`)
  const { leads, ...values } = counted!
  const figures = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, of: leads! }]))
  return { figures, tables: [await tiers(world), await rules(world), await list(world)], notes: [] }
}

function place({ place }: DiffWorld, name: string): string {
  return place(name, 'after')
}

/** Every lead whose score, tier or status differs, or that is on one side only. */
async function joinScores(world: DiffWorld): Promise<void> {
  const side = (which: 'before' | 'after') => `(
    select lead_id, tier, qualification_status as status, cast(score as decimal(9,4)) as score
    from ${world.relation(which, SCORED)})`
  const rank = (status: string) => `list_position(['disqualified', 'nurture', 'qualified'], ${status})`
  await world.connection.run(`
    create table ${place(world, 'scores')} as
    select
      coalesce(a.lead_id, b.lead_id) as lead_id,
      b.tier as tier_before, a.tier as tier_after,
      b.status as status_before, a.status as status_after,
      b.score as score_before, a.score as score_after,
      a.score - b.score as score_delta,
      a.lead_id is not null and b.lead_id is not null and a.tier is distinct from b.tier as tier_changes,
      a.lead_id is not null and b.lead_id is not null and a.status is distinct from b.status as status_changes,
      case
        when a.tier < b.tier then 1
        when a.tier > b.tier then -1
        when ${rank('a.status')} > ${rank('b.status')} then 1
        when ${rank('a.status')} < ${rank('b.status')} then -1
        else 0
      end as direction
    from ${side('before')} as b
    full join ${side('after')} as a on a.lead_id = b.lead_id
    where (a.tier, a.status, a.score) is distinct from (b.tier, b.status, b.score)`)
}

/** Points by rule, after less before: they sum to the difference of the score. */
async function sumDeltas(world: DiffWorld): Promise<void> {
  const side = (which: 'before' | 'after', sign: string) => `
    select lead_id, reason.rule as rule, ${sign}reason.points as points
    from (
      select lead_id, unnest(reasons) as reason from ${world.relation(which, SCORED)}
      where lead_id in (
        select lead_id from ${place(world, 'scores')} where tier_before is not null and tier_after is not null
      )
    )`
  await world.connection.run(`
    create table ${place(world, 'deltas')} as
    select lead_id, rule, sum(points) as delta, count(*) % 2 = 1 and sum(points) = 0 as decides
    from (${side('before', '-')} union all ${side('after', '')})
    group by lead_id, rule
    having sum(points) <> 0 or count(*) % 2 = 1`)
  await world.connection.run(`
    create table ${place(world, 'moved')} as
    with weighed as (
      select
        lead_id,
        list({'rule': rule, 'delta': delta} order by abs(delta) desc, rule) filter (where delta <> 0) as deltas,
        min({'weight': -direction * delta, 'rule': rule}) filter (where direction * delta > 0) as heaviest,
        min(rule) filter (where decides) as decision
      from ${place(world, 'deltas')}
      join ${place(world, 'scores')} using (lead_id)
      where tier_changes or status_changes
      group by lead_id
    )
    select
      scores.*,
      coalesce(deltas, []) as deltas,
      case
        when not tier_changes and decision is not null then decision
        when direction * score_delta > 0 then heaviest.rule
        when tier_changes then '${CUT_OFFS}'
        else coalesce(decision, '${CUT_OFFS}')
      end as moved_by
    from ${place(world, 'scores')} as scores
    left join weighed using (lead_id)
    where tier_changes or status_changes`)
}

async function tiers(world: DiffWorld): Promise<DiffTable> {
  const rows = await world.connection.rows(`
    select tier_before as "from", tier_after as "to", count(*) as leads
    from ${place(world, 'scores')} where tier_changes group by all order by all`)
  return table('tiers', 'From tier to tier', ['from', 'to', 'leads'], rows, rows.length)
}

async function rules(world: DiffWorld): Promise<DiffTable> {
  const rows = await world.connection.rows(`
    with movers as (
      select moved_by as rule, count(*) filter (where direction > 0) as moved_up, count(*) filter (where direction < 0) as moved_down
      from ${place(world, 'moved')} group by all
    ),
    points as (
      select rule, count(*) as leads, sum(delta)::double as points
      from ${place(world, 'deltas')} where delta <> 0 group by all
    )
    select
      rule, coalesce(moved_up, 0) as moved_up, coalesce(moved_down, 0) as moved_down,
      coalesce(leads, 0) as leads_with_other_points, coalesce(points, 0) as points
    from movers full join points using (rule)
    order by coalesce(moved_up, 0) + coalesce(moved_down, 0) desc, coalesce(leads, 0) desc, rule`)
  const columns = ['rule', 'moved_up', 'moved_down', 'leads_with_other_points', 'points']
  return table('rules', 'The rules that moved them', columns, rows.slice(0, world.limit), rows.length)
}

async function list(world: DiffWorld): Promise<DiffTable> {
  const [counted] = await world.connection.rows<{ n: number }>(`select count(*) as n from ${place(world, 'moved')}`)
  const { company, contact, joins } = names(world)
  const rows = await world.connection.rows(`
    select
      moved.lead_id, ${company} as company, ${contact} as contact,
      tier_before, tier_after, score_before::double as score_before, score_after::double as score_after,
      score_delta::double as score_delta, status_before, status_after, moved_by,
      list_transform(deltas, lambda d: {'rule': d.rule, 'delta': d.delta::double}) as deltas
    from ${place(world, 'moved')} as moved ${joins}
    order by tier_changes desc, abs(score_delta) desc, moved.lead_id
    limit ${world.limit}`)
  const columns = ['lead_id', 'company', 'contact', 'tier', 'score', 'status', 'moved_by', 'deltas']
  return table('moved', 'Leads that change tier or status', columns, rows.map(shown), counted!.n)
}

/** Company and person, where the marts that hold them are there. */
function names({ has, relation, person }: DiffWorld) {
  const known = ['dim_companies', 'dim_contacts'].map((mart) => has('after', mart))
  const joins = [
    `left join ${relation('after', SCORED)} as scored on scored.lead_id = moved.lead_id`,
    known[0]
      ? `left join ${relation('after', 'dim_companies')} as companies on companies.company_id = scored.company_id`
      : '',
    known[1]
      ? `left join ${relation('after', 'dim_contacts')} as contacts on contacts.contact_id = scored.contact_id`
      : '',
  ]
  return {
    company: known[0] ? 'companies.name' : 'null',
    contact: known[1] ? person('contacts.full_name') : 'null',
    joins: joins.join(' '),
  }
}

function shown(row: Row): Row {
  const step = (name: string) =>
    row[`${name}_before`] === row[`${name}_after`]
      ? row[`${name}_after`]!
      : `${row[`${name}_before`]} → ${row[`${name}_after`]}`
  return { ...row, tier: step('tier'), score: step('score'), status: step('status') }
}

function table(name: string, title: string, columns: string[], rows: readonly Row[], total: number): DiffTable {
  return { name, title, columns, rows, total }
}
