import type { Connection } from '../../pipeline/warehouse/duckdb.ts'
import { COMPARISONS } from './compare.ts'

/** What each level of each comparison is worth, in bits: the binary logarithm of m over u. */
export interface Weights {
  /** Of a pair that nothing is known of. */
  prior: number
  /** Field → bits of its levels, best first. */
  bits: Record<string, number[]>
  /** Whether the data had a say, or the defaults stand. */
  estimated: boolean
}

const ROUNDS = 12
/** Fewer pairs than these tell nothing. */
const FEWEST_PAIRS = 300
/** The defaults count for so many pairs, and for this share of all. */
const PRIOR_PAIRS = 50
const PRIOR_SHARE = 0.05
/**
 * How far the data may move a weight, in bits. Towards doubt further than towards belief: sets in which one name stands for
 * many sites look, to the estimate, as if other addresses and phones did not matter.
 */
const DOWN = 4
const UP = { for: 2, against: 1.5 }

const DEFAULTS = COMPARISONS.flatMap(({ field, levels }) =>
  levels.map(({ m, u }, level) => `('${field}', ${level}, ${m}, ${u})`),
)

/** What is only noted when it is so has nothing to be estimated from. */
const ALONE = COMPARISONS.flatMap(({ field, levels }) => (levels.length === 1 ? [`'${field}'`] : [])).join(', ')

/** The defaults, as they stand without data. `share`: of pairs that are one and the same. */
export function defaultWeights(share: number): Weights {
  const bits = Object.fromEntries(
    COMPARISONS.map(({ field, levels }) => [field, levels.map(({ m, u }) => log2(m / u))]),
  )
  return { prior: log2(share / (1 - share)), bits, estimated: false }
}

/**
 * Fellegi–Sunter weights of `match_compared` by expectation–maximisation over the patterns of levels: which share of pairs
 * of one company, and of two, is at each level. Starts from the defaults, which also count as data, so that a small table is
 * judged like any other. Sums are DECIMAL: the same on any number of cores.
 */
export async function estimateWeights(connection: Connection, share: number): Promise<Weights> {
  const fields = COMPARISONS.map(({ field }) => field)
  await connection.run(`
    create or replace temp table match_patterns as
        select row_number() over (order by ${fields.join(', ')}, rarity, detail) as id, count(*) as pairs, ${fields.join(', ')}, coalesce(rarity, 0) as rarity, detail
        from match_compared group by ${fields.join(', ')}, rarity, detail;
    create or replace temp table match_pattern_levels as
        select id, field, level from (unpivot match_patterns on ${fields.join(', ')} into name field value level);
    create or replace temp table match_weights as
        select field, level::utinyint as level, m::double as m, u::double as u, m::double as m0, u::double as u0
        from (values ${DEFAULTS.join(', ')}) as t(field, level, m, u)`)
  const [{ pairs, others } = { pairs: 0, others: 0 }] = await connection.rows<{ pairs: number; others: number }>(`
    select coalesce(sum(pairs), 0)::bigint as pairs,
        (select count(distinct field) from match_pattern_levels where field in ('domain', 'phone', 'email', 'address', 'people')) as others
    from match_patterns`)
  const start = defaultWeights(share)
  if (pairs < FEWEST_PAIRS || others === 0) return start
  let prior = start.prior
  const strength = PRIOR_PAIRS + PRIOR_SHARE * pairs
  for (let round = 0; round < ROUNDS; round++) {
    await connection.run(`
      create or replace temp table match_expected as
          with scored as (
              select levels.id,
                  sum(round(log2(weights.m / weights.u), 6)::decimal(18, 6)) filter (where levels.field <> 'name') as bits,
                  sum(round(log2(weights.m / weights.u), 6)::decimal(18, 6)) filter (where levels.field = 'name') as name_bits
              from match_pattern_levels as levels
              join match_weights as weights on weights.field = levels.field and weights.level = levels.level
              group by levels.id
          )
          select patterns.id, patterns.pairs,
              round(1 / (1 + power(2, -(${prior} + coalesce(scored.bits, 0)::double + patterns.detail::double + ${nameBits('scored.name_bits')}))), 9)::decimal(18, 9) as q
          from match_patterns as patterns left join scored on scored.id = patterns.id;
      create or replace temp table match_weights as
          with counted as (
              select levels.field, levels.level, sum(pairs * q)::double as same, sum(pairs * (1 - q))::double as other
              from match_pattern_levels as levels join match_expected as expected on expected.id = levels.id
              group by levels.field, levels.level
          ),
          totals as (
              select field, sum(round(same, 6)::decimal(28, 6))::double as same, sum(round(other, 6)::decimal(28, 6))::double as other
              from counted group by field
          )
          select weights.field, weights.level,
              case when weights.field in (${ALONE}) then m0
                  else (coalesce(counted.same, 0) + ${strength} * m0) / (coalesce(totals.same, 0) + ${strength}) end as m,
              case when weights.field in (${ALONE}) then u0
                  else (coalesce(counted.other, 0) + ${strength} * u0) / (coalesce(totals.other, 0) + ${strength}) end as u,
              m0, u0
          from match_weights as weights
          left join counted on counted.field = weights.field and counted.level = weights.level
          left join totals on totals.field = weights.field`)
    const [found] = await connection.rows<{ share: number }>(
      `select (sum(pairs * q)::double + ${PRIOR_PAIRS * share}) / (sum(pairs)::double + ${PRIOR_PAIRS}) as share from match_expected`,
    )
    const bounded = Math.min(0.6, Math.max(0.002, found!.share))
    prior = log2(bounded / (1 - bounded))
  }
  const rows = await connection.rows<{ field: string; level: number; bits: number }>(
    `select field, level, greatest(log2(m0 / u0) - ${DOWN},
        least(log2(m0 / u0) + case when m0 < u0 then ${UP.against} else ${UP.for} end, log2(m / u))) as bits
     from match_weights order by field, level`,
  )
  const bits: Record<string, number[]> = {}
  for (const row of rows) {
    const list = bits[row.field] ?? []
    bits[row.field] = list
    // A worse level is never worth more than a better one.
    list.push(Math.round(1000 * Math.min(row.bits, list.at(-1) ?? Number.POSITIVE_INFINITY)) / 1000)
  }
  return { prior: Math.round(1000 * prior) / 1000, bits, estimated: true }
}

/** SQL: what a name is worth with its rarity. Ordinary words take from what speaks for a match; they never speak against it. */
export function nameBits(bits: string): string {
  return `case when rarity < 0 and ${bits} > 0 then greatest(0, ${bits} + rarity) when rarity > 0 then ${bits} + rarity else coalesce(${bits}, 0) end::double`
}

function log2(value: number): number {
  return Math.round(1000 * Math.log2(value)) / 1000
}
