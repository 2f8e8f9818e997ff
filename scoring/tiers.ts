import { quoteIdentifier as id, quoteLiteral } from '../pipeline/table.ts'
import type { Layer } from './arithmetic.ts'
import type { Scorecard } from './card.ts'
import { activeSql, BOUNDS, type Bound } from './parts.ts'
import type { Policy } from './qualification.ts'
import type { Qualification } from './qualification-file.ts'
import { numberSql, type Reason } from './reasons.ts'

type Tier = Qualification['tiers'][number]

/** Of every tier decision there are three, as of every sum; the lowest bound has the worst tier. Ranks count from 1, the best. */
const RANK = 'tier rank'
const MATRIX_RANK = 'matrix rank'
const SCORE_RANK = 'cut-off rank'

export function rankOf(bound: Bound = ''): string {
  return id(RANK + bound)
}

/** Whether a tier's cut-off is found by each run. */
export function isRelative({ top_percent, capacity_per_week }: Tier): boolean {
  return top_percent !== undefined || capacity_per_week !== undefined
}

export function cutColumn(tier: string): string {
  return `${tier} cut-off`
}

/** Whether the score itself says anything of the tier. */
function byScore({ qualification: { tiers, matrix } }: Policy): boolean {
  return matrix === undefined || tiers.some((tier) => tier.from > 0 || isRelative(tier))
}

/** From the score's column and the cards' to the tier's rank, within its bounds. `override` is the rank that a person set. */
export function tierLayers(cards: readonly Scorecard[], policy: Policy, score: string, override?: string): Layer[] {
  const { matrix } = policy.qualification
  const decided = (bound: Bound) => {
    const ranks = [
      ...(matrix === undefined ? [] : [id(MATRIX_RANK + bound)]),
      ...(byScore(policy) ? [id(SCORE_RANK + bound)] : []),
    ]
    const rank = ranks.length === 1 ? ranks[0]! : `greatest(${ranks.join(', ')})`
    return override === undefined ? rank : `coalesce(${override}, ${rank})`
  }
  return [
    ...(matrix === undefined
      ? []
      : [
          BOUNDS.flatMap((bound) =>
            [matrix.rows, matrix.columns].map((part) => ({
              column: bandColumn(part, bound),
              sql: bandRank(part, cards, (card) => id(card.name + bound)),
            })),
          ),
          BOUNDS.map((bound) => ({
            column: MATRIX_RANK + bound,
            sql: matrixRank(policy, cards, id(bandColumn(matrix.rows, bound)), id(bandColumn(matrix.columns, bound))),
          })),
        ]),
    ...(byScore(policy)
      ? [BOUNDS.map((bound) => ({ column: SCORE_RANK + bound, sql: scoreRank(policy, id(score + bound), bound) }))]
      : []),
    BOUNDS.map((bound) => ({ column: RANK + bound, sql: decided(bound) })),
  ]
}

/** The rank that the matrix allows, once the bands are there; 1 where there is no matrix. */
export function allowedRank({ qualification: { matrix } }: Policy): string {
  return matrix === undefined ? '1' : id(MATRIX_RANK)
}

/** The rank that a lead would have with another score and other cards' scores: for what one field could change. */
export function rankWith(
  cards: readonly Scorecard[],
  policy: Policy,
  at: { score: string; card(card: Scorecard): string; bound: Bound },
): string {
  const { matrix } = policy.qualification
  const ranks: string[] = []
  if (matrix !== undefined) {
    const [rows, columns] = [matrix.rows, matrix.columns].map((part) => bandRank(part, cards, at.card))
    ranks.push(matrixRank(policy, cards, rows!, columns!))
  }
  if (byScore(policy)) ranks.push(scoreRank(policy, at.score, at.bound))
  return ranks.length === 1 ? ranks[0]! : `greatest(${ranks.join(', ')})`
}

export function tierName({ qualification: { tiers } }: Policy, rank: string): string {
  return nameOf(
    tiers.map(({ tier }) => tier),
    rank,
  )
}

export function statusOf({ qualification: { tiers } }: Policy, rank: string): string {
  return nameOf(
    tiers.map(({ status }) => status),
    rank,
  )
}

/** The rank of the last tier that is not disqualified; undefined where no tier disqualifies. */
export function lastOpen({ qualification: { tiers } }: Policy): number | undefined {
  const open = tiers.filter(({ status }) => status !== 'disqualified').length
  return open === tiers.length ? undefined : open
}

/** How a tier came about, where it is not the score against fixed lines; and why a lead is below the line. */
export function tierReasons(cards: readonly Scorecard[], policy: Policy, score: string): Reason[] {
  const { matrix, tiers } = policy.qualification
  const reason = (rule: string, when: string, because: string): Reason => ({
    rule,
    when,
    points: 0,
    because,
    evidence: 'NULL::VARCHAR',
  })
  const reasons: Reason[] = []
  if (matrix !== undefined) {
    const band = (part: string) => nameOf(bandsOf(part, cards), id(bandColumn(part, '')))
    const because = `'${matrix.rows} ' || ${band(matrix.rows)} || ' and ${matrix.columns} ' || ${band(matrix.columns)} || ' make tier ' || ${tierName(policy, id(MATRIX_RANK))}`
    reasons.push(reason('tier.matrix', 'true', because))
  }
  if (byScore(policy) && (matrix !== undefined || tiers.some(isRelative))) {
    const allowed = allowedRank(policy)
    const better = `${id(SCORE_RANK)} - 1`
    const starts = `case ${better} ${tiers.map((tier, index) => `when ${index + 1} then ${numberSql(cutOff(tier, ''))}`).join(' ')} end`
    const because = `'tier ' || ${tierName(policy, better)} || ' starts at ' || ${starts} || ': the score is ' || ${numberSql(id(score))}`
    reasons.push(reason('tier.cut_off', `${id(SCORE_RANK)} > ${allowed}`, because))
  }
  const open = lastOpen(policy)
  if (open !== undefined) {
    const below = `${rankOf()} > ${open}`
    const high = numberSql(id(`${score} high`))
    const line = numberSql(cutOff(tiers[open - 1]!, ''))
    const simple = matrix === undefined
    const place = simple
      ? `'below the line at ' || ${line}`
      : `'tier ' || ${tierName(policy, rankOf())} || ' is below the line'`
    const best = simple ? high : `tier || ${tierName(policy, rankOf(' high'))}`.replace('tier ||', `'tier ' ||`)
    reasons.push(
      reason('status.below_line', `${below} and ${rankOf(' high')} > ${open}`, `${place} || ': at most ' || ${best}`),
      reason(
        'status.missing_data',
        `${below} and ${rankOf(' high')} <= ${open} and qualification_status = 'nurture'`,
        `${place} || ' for missing data: it could reach ' || ${best}`,
      ),
    )
  }
  return reasons
}

/** Names of the bands of a part, best first. */
export function bandsOf(part: string, cards: readonly Scorecard[]): string[] {
  return cards.find((card) => card.part === part)?.card.bands.map(({ band }) => band) ?? []
}

function bandColumn(part: string, bound: Bound): string {
  return `${part} band${bound}`
}

/** The band of a part, counted from 1: each card has lines of its own. */
function bandRank(part: string, cards: readonly Scorecard[], value: (card: Scorecard) => string): string {
  const own = cards.filter((card) => card.part === part)
  const ranks = own.map((card) => {
    const cases = card.card.bands
      .slice(0, -1)
      .map(({ from }, index) => `when ${value(card)} >= ${from} then ${index + 1}`)
    return {
      active: activeSql(card, cards),
      rank: cases.length === 0 ? '1' : `case ${cases.join(' ')} else ${card.card.bands.length} end`,
    }
  })
  if (ranks.length === 1) return ranks[0]!.rank
  return `case ${ranks.map(({ active, rank }) => `when ${active ?? 'true'} then ${rank}`).join(' ')} end`
}

function matrixRank(policy: Policy, cards: readonly Scorecard[], row: string, column: string): string {
  const { matrix, tiers } = policy.qualification
  const rows = bandsOf(matrix!.rows, cards)
  const columns = bandsOf(matrix!.columns, cards)
  const places = new Map<string, number[]>()
  for (const [r, row_band] of rows.entries()) {
    for (const [c, column_band] of columns.entries()) {
      const tier = matrix!.tiers[row_band]![column_band]!
      places.set(tier, [...(places.get(tier) ?? []), r * columns.length + c + 1])
    }
  }
  const cell = `(${row} - 1) * ${columns.length} + ${column}`
  const cases = tiers.flatMap(({ tier }, index) => {
    const here = places.get(tier)
    return here === undefined ? [] : [`when ${cell} in (${here.join(', ')}) then ${index + 1}`]
  })
  return `case ${cases.join(' ')} end`
}

function scoreRank({ qualification: { tiers } }: Policy, score: string, bound: Bound): string {
  const cases = tiers.slice(0, -1).map((tier, index) => `when ${score} >= ${cutOff(tier, bound)} then ${index + 1}`)
  return cases.length === 0 ? '1' : `case ${cases.join(' ')} else ${tiers.length} end`
}

/** Where a tier starts. Until a run has found it, a relative one starts at its floor at best, and nowhere at worst. */
function cutOff(tier: Tier, bound: Bound): string {
  if (!isRelative(tier)) return String(tier.from)
  return `coalesce(${id(cutColumn(tier.tier))}, ${bound === ' low' ? 101 : tier.from})`
}

function nameOf(names: readonly string[], rank: string): string {
  const cases = names.map((name, index) => `when ${index + 1} then ${quoteLiteral(name)}`)
  return `case ${rank} ${cases.join(' ')} end`
}
