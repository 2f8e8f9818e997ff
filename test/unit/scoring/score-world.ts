import type { Problem } from '../../../pipeline/errors.ts'
import type { Connection } from '../../../pipeline/warehouse/duckdb.ts'
import { bindSource } from '../../../scoring/bind.ts'
import { parseBrief } from '../../../scoring/brief.ts'
import { readCard } from '../../../scoring/card.ts'
import { compileScores, OUTPUTS } from '../../../scoring/compile.ts'
import type { Scoring } from '../../../scoring/layers.ts'
import { checkParts } from '../../../scoring/parts.ts'
import { checkMatrix, QUALIFICATION, readPolicy } from '../../../scoring/qualification.ts'
import { parseSource, readSources } from '../../../scoring/source.ts'

export const BANT = `bant:
  budget: { when: a > 1 }
  authority: { when: a > 1 }
  need: { when: a > 1 }
  timeline: { when: a > 1 }
`

export const POLICY = `description: how
weights: { fit: 0.6, intent: 0.4 }
tiers:
  - { tier: A, from: 60, status: qualified }
  - { tier: B, from: 30, status: nurture }
  - { tier: C, from: 0, status: disqualified }
${BANT}`

export interface ScoreRow {
  lead_id: string
  score: number
  fit_score: number | null
  intent_score: number | null
  tier: string
  qualification_status: string
  budget_signal: boolean | null
  score_possible: { min: number; max: number }
  needs_data: string[]
  reasons: { rule: string; points: number; because: string; evidence: string | null }[]
  deal_brief: string | null
  brief_evidence: { sentence: string; row_ids: string[] }[] | null
  /** Of the DECIMAL points, in DuckDB. */
  sums_up: boolean
  bant_evidence: Record<string, string | null>
}

/** Cards and policy from text, as `loadScoring` makes them from files. */
export async function readScoring(
  connection: Connection,
  texts: {
    cards: Record<string, string>
    policy?: string
    brief?: { templates: Record<string, string>; evidence: string }
  },
  columns: Record<string, string>,
): Promise<{ scoring: Scoring; problems: Problem[] }> {
  const problems: Problem[] = []
  const names = Object.keys(texts.cards)
  const cards = names.flatMap((name) => {
    const source = parseSource(`scoring/scores/${name}.yml`, texts.cards[name]!, problems)
    return source === undefined ? [] : (readCard(source, name, problems) ?? [])
  })
  const policySource = parseSource(QUALIFICATION, texts.policy ?? POLICY, problems)
  const policy =
    policySource &&
    readPolicy(
      policySource,
      cards.map(({ part }) => part),
      problems,
    )
  const brief =
    texts.brief === undefined ? undefined : parseBrief('deal', texts.brief.templates, texts.brief.evidence, problems)
  if (problems.length === 0) checkParts(cards)
  if (problems.length === 0 && policy !== undefined) checkMatrix(policy, cards)
  const parts = [...cards, policy].flatMap((part) => (part === undefined ? [] : part.source))
  const sources = [...parts, ...(brief?.sources ?? [])]
  await readSources(connection, sources, problems)
  for (const source of sources) problems.push(...bindSource(source, { ...columns, ...OUTPUTS }))
  return { scoring: { cards, policy: policy!, brief, version: 'test' }, problems }
}

export async function scoreAll(
  connection: Connection,
  scoring: Scoring,
  columns: Record<string, string>,
): Promise<ScoreRow[]> {
  const select = compileScores(scoring, 'intermediate.int_lead_facts', columns)
  return connection.rows<ScoreRow>(`
    select *, coalesce(list_sum(list_transform(reasons, lambda r: r.points)), 0)::DOUBLE = score as sums_up
    from (${select}) order by lead_id`)
}
