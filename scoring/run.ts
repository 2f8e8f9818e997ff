import { z } from 'zod'
import { type Problem, ProjectError } from '../pipeline/errors.ts'
import type { Room } from '../pipeline/room.ts'
import type { LedgerTable, Step, StepContext, StepSummary } from '../pipeline/step.ts'
import type { TableSpec } from '../pipeline/table.ts'
import { relationName } from '../pipeline/table.ts'
import { failing } from './bind.ts'
import { boundFacts, FACTS } from './bound.ts'
import { LEAD_BOUNDS } from './bounds.ts'
import { BRIEF_SENTENCES, briefAdvice, compileSentences } from './brief-sentences.ts'
import { cardTests } from './card-tests.ts'
import { compileScores, OUTPUTS } from './compile.ts'
import { CUTOFFS, compileCutOffs } from './cut-offs.ts'
import { changesSince, HISTORY, VERSIONS, versionRow } from './history.ts'
import type { Scoring } from './layers.ts'
import { fingerprintOf, loadScoring, toldBy } from './load.ts'
import { movedLeads } from './moved-leads.ts'
import { BOUNDS_QUERY, boundsSteps, FROZEN } from './open-leads.ts'
import { ruleAdvice } from './rule-advice.ts'
import { isRelative } from './tiers.ts'

/** `scoring:` of `pipeline.yaml`. */
export const settings = z.strictObject({
  /** Cards of `scoring/scores/` in use. */
  scores: z.array(z.string()).min(1).default(['fit', 'intent']),
  /** The deal brief of `scoring/briefs/`; null for none. */
  brief: z.string().nullable().default('deal_brief'),
})

export const LEAD_SCORES: TableSpec = {
  schema: 'scoring',
  name: 'lead_scores',
  description: 'One row per lead: score, tier, status and the reasons that sum to the score.',
  columns: {
    lead_id: 'VARCHAR',
    ...OUTPUTS,
    score_possible: 'STRUCT("min" DOUBLE, "max" DOUBLE)',
    needs_data: 'VARCHAR[]',
    reasons: 'STRUCT("rule" VARCHAR, points DECIMAL(9,4), because VARCHAR, evidence VARCHAR)[]',
    would_raise: 'STRUCT("rule" VARCHAR, points DECIMAL(9,4), because VARCHAR)[]',
    deal_brief: 'VARCHAR',
    brief_evidence: 'STRUCT(sentence VARCHAR, row_ids VARCHAR[])[]',
    score_version: 'VARCHAR',
    scored_at: 'TIMESTAMP',
    owner: 'VARCHAR',
    bant_evidence: 'STRUCT(budget VARCHAR, authority VARCHAR, need VARCHAR, timeline VARCHAR)',
  },
  key: ['lead_id'],
  docs: {
    score_possible: 'Lowest and highest score if what is unknown were known.',
    needs_data: 'Fact columns that are NULL and read by a rule that is therefore unknown.',
    reasons:
      'By weight. Points sum to the score: caps, ranges and weights are reasons too; those of the status carry 0.',
    would_raise: 'Rules that would raise the score most, with what each would add, all else as it is; five at most.',
    deal_brief: 'Markdown, in the language of the country; NULL for disqualified leads.',
    brief_evidence: 'What the brief states, in its order, and the rows of marts behind each sentence: `table:id`.',
    score_version: 'Content hash of the cards and the qualification.',
    bant_evidence: 'The values behind each signal that is known.',
  },
  pii: ['reasons', 'deal_brief', 'brief_evidence', 'bant_evidence'],
  told: ['would_raise', 'deal_brief', 'brief_evidence'],
}

export const steps: Room<z.output<typeof settings>> = async ({ root, settings, config, problems }) => {
  const scoring = await loadScoring(root, settings, config, problems)
  const tables: LedgerTable[] = [HISTORY, VERSIONS, FROZEN]
  if (scoring === undefined) return { steps: [unusable(tables)], tables }
  return {
    tables: [],
    diffs: [movedLeads],
    advice: [ruleAdvice(scoring), briefAdvice(scoring.brief)],
    tests: cardTests(scoring.cards),
    steps: [
      {
        name: 'lead_scores',
        kind: 'step',
        stage: 'scoring',
        file: 'scoring/run.ts',
        description: `Scores every lead by ${settings.scores.join(' and ')}.`,
        reads: [FACTS.name],
        builds: [CUTOFFS, LEAD_SCORES, BRIEF_SENTENCES],
        records: tables,
        fingerprint: fingerprintOf(scoring),
        told_by: toldBy(scoring),
        async bind(connection) {
          const { facts, types } = await boundFacts(scoring, connection)
          await connection.describe(compileCutOffs(scoring, facts, types))
          await connection.describe(compileScores(scoring, facts, types))
          await connection.describe(compileSentences(scoring.brief, facts, relationName(LEAD_SCORES), types))
        },
        run: (context) => scoreLeads(scoring, context),
      },
      ...boundsSteps(scoring),
    ],
  }
}

/** Stands in for scores that cannot be used: what reads them is not wrong. No project with problems runs. */
function unusable(records: LedgerTable[]): Step {
  return {
    name: 'lead_scores',
    kind: 'step',
    stage: 'scoring',
    file: 'scoring/run.ts',
    description: 'Scores every lead.',
    reads: [FACTS.name],
    builds: [CUTOFFS, LEAD_SCORES, BRIEF_SENTENCES, LEAD_BOUNDS, BOUNDS_QUERY],
    records,
    fingerprint: null,
    run: () => Promise.reject(new Error('the scores have problems')),
  }
}

async function scoreLeads(scoring: Scoring, context: StepContext): Promise<StepSummary> {
  const rows = await buildScores(scoring, context)
  await context.record(VERSIONS, [[versionRow(scoring, context.as_of)]])
  const { appended } = await context.record(HISTORY, { select: changesSince(context.run_id) })
  if (scoring.policy.qualification.tiers.some(isRelative)) {
    await context.record(FROZEN, { select: `select * from ${relationName(CUTOFFS)} order by all` })
  }
  const counted = await context.connection.rows<{ tier: string; status: string; leads: number }>(
    `select tier, qualification_status as status, count(*) as leads from ${relationName(LEAD_SCORES)} group by all order by all`,
  )
  const total = (key: 'tier' | 'status', value: string) =>
    counted.filter((row) => row[key] === value).reduce((sum, row) => sum + row.leads, 0)
  const tiers = scoring.policy.qualification.tiers.map(({ tier }) => `${tier} ${total('tier', tier)}`).join(' · ')
  const statuses = ['qualified', 'nurture', 'disqualified'] as const
  const counts = Object.fromEntries(statuses.map((status) => [status, total('status', status)]))
  const text = `${rows} scored  ${tiers} · ${statuses.map((status) => `${counts[status]} ${status}`).join(', ')}`
  return { rows, text, counts: { ...counts, changed: appended } }
}

/** Cards are checked against the facts as they are, before anything is built; a rule that fails on a value is named. */
async function buildScores(scoring: Scoring, { connection, build, tells }: StepContext): Promise<number> {
  const { facts, types, parts } = await boundFacts(scoring, connection)
  try {
    await build(CUTOFFS, compileCutOffs(scoring, facts, types))
    const rows = await build(LEAD_SCORES, compileScores(scoring, facts, types, { tells }))
    if (tells) await build(BRIEF_SENTENCES, compileSentences(scoring.brief, facts, relationName(LEAD_SCORES), types))
    return rows
  } catch (error) {
    const problems: Problem[] = []
    for (const part of parts) problems.push(...(await failing(connection, part.source, part.facts)))
    throw problems.length > 0 ? new ProjectError(problems) : error
  }
}
