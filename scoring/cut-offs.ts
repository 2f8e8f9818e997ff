import { relationName, type TableSpec } from '../pipeline/table.ts'
import { layered, refusedSql, SCORE, type Scoring, scoreLayers, segmentSql, sumLayers } from './layers.ts'
import type { Policy } from './qualification.ts'
import { decimal } from './reasons.ts'
import type { Columns } from './text.ts'
import { allowedRank, cutColumn, isRelative } from './tiers.ts'

/** Where every tier starts in this run. */
export const CUTOFFS: TableSpec = {
  schema: 'ops',
  name: 'score_cutoffs',
  description: 'The score at which each tier starts, frozen per run: what one lead is held against is what all were.',
  columns: {
    segment: 'VARCHAR',
    tier: 'VARCHAR',
    by: 'VARCHAR',
    cut_off: 'DECIMAL(9,4)',
    leads: 'BIGINT',
    score_version: 'VARCHAR',
    as_of: 'DATE',
  },
  key: ['segment', 'tier'],
  docs: {
    segment: 'The value of `within` that it holds for; * for all leads.',
    by: 'score: as written; percentile or capacity: found among the leads of the run.',
    cut_off: 'The lowest score of the tier.',
    leads: 'Leads among which it was found; NULL for one that is written.',
  },
}

export const SCORE_CUTOFFS = relationName(CUTOFFS)

type Tier = Policy['qualification']['tiers'][number]

/** One row per segment and tier. Leads that a known reason disqualifies take nobody's place. */
export function compileCutOffs(scoring: Scoring, facts: string, types: Columns): string {
  const { policy } = scoring
  const { tiers } = policy.qualification
  const rows = tiers.map((tier, index) => {
    const select = isRelative(tier) ? found(policy, tier, index) : written(tier)
    return `select *, '${scoring.version}' as score_version, as_of() as as_of from (${select})`
  })
  if (!tiers.some(isRelative)) return rows.join('\nunion all\n')
  return `${ranking(scoring, facts, types)}\n${rows.join('\nunion all\n')}\norder by segment, tier`
}

function written({ tier, from }: Tier): string {
  return `select '*' as segment, '${tier}' as tier, 'score' as "by", ${decimal(from)} as cut_off, NULL::BIGINT as leads`
}

/** How many leads have each score, by segment and by the tier that the matrix allows them. */
function ranking(scoring: Scoring, facts: string, types: Columns): string {
  const { policy } = scoring
  const none = policy.qualification.tiers
    .filter(isRelative)
    .map(({ tier }) => `NULL::DECIMAL(9,4) as "${cutColumn(tier)}"`)
  const from = `(select *, ${none.join(', ')} from ${facts})`
  const layers = policy.qualification.matrix === undefined ? sumLayers(scoring, types) : scoreLayers(scoring, types)
  return `${layered(from, layers)}, counted as (
  select ${segmentSql(policy.qualification, 'scored')} as segment, "${SCORE}" as score, ${allowedRank(policy)} as allowed, count(*) as n
  from scored where not ${refusedSql(policy)} group by all
), totals as (select segment, sum(n)::BIGINT as leads from counted group by segment)`
}

function found({ qualification }: Policy, tier: Tier, index: number): string {
  const by = tier.top_percent === undefined ? 'capacity' : 'percentile'
  const cut = tier.top_percent === undefined ? byCapacity(qualification.tiers, index) : byPercentile(tier.top_percent)
  return `select totals.segment, '${tier.tier}' as tier, '${by}' as "by",
    greatest(coalesce(${cut}, 0), ${decimal(tier.from)})::DECIMAL(9,4) as cut_off, any_value(leads) as leads
  from totals left join (
    select segment, score, sum(sum(n)) over (partition by segment order by score desc) as reached
    from counted where allowed <= ${index + 1} group by segment, score
  ) as ranked on ranked.segment = totals.segment
  group by totals.segment`
}

/** The lead at so many per cent, and all who have its score. */
function byPercentile(percent: number): string {
  return `max(score) filter (where reached * 100 >= leads * ${percent})`
}

/** As many as can be worked, never more; those who tie at the cut-off wait together, unless nobody would be left. */
function byCapacity(tiers: readonly Tier[], index: number): string {
  const places = tiers.slice(0, index + 1).map(({ capacity_per_week: capacity }) => placesSql(capacity))
  const sum = `(${places.join(' + ')})`
  const within = `min(score) filter (where reached <= ${sum})`
  return `case when any_value(${sum}) = 0 then 101 else coalesce(${within}, max(score)) end`
}

function placesSql(capacity: Tier['capacity_per_week']): string {
  if (capacity === undefined) return '0'
  if (typeof capacity === 'number') return String(capacity)
  const cases = Object.entries(capacity).map(
    ([segment, places]) => `when '${segment.replaceAll("'", "''")}' then ${places}`,
  )
  return cases.length === 0 ? '0' : `case totals.segment ${cases.join(' ')} else 0 end`
}
