import type { LedgerTable, Step } from '../pipeline/step.ts'
import { relationName, type TableSpec } from '../pipeline/table.ts'
import { boundFacts, FACTS } from './bound.ts'
import { compileBounds, LEAD_BOUNDS } from './bounds.ts'
import { OVERRIDES, type Scoring } from './layers.ts'
import { isRelative } from './tiers.ts'

/** The cut-offs of the latest run, for what must know them before the leads are scored. */
export const FROZEN: LedgerTable = {
  source: 'scoring',
  table: 'cut_offs',
  description: 'Where the tiers by percentile or capacity started in the latest run.',
  write: 'replace',
  visible: 'next_run',
  columns: { segment: 'VARCHAR', tier: 'VARCHAR', by: 'VARCHAR', cut_off: 'DECIMAL(9,4)' },
  key: ['segment', 'tier'],
}

/** Where `raw` has it. */
const FROZEN_RELATION = relationName({ schema: 'raw', name: 'scoring__cut_offs' })

/** The cards as a query of their own, for a room that asks before the facts are whole, as often as it likes. */
export const BOUNDS_QUERY: TableSpec = {
  schema: 'scoring',
  name: 'bounds_query',
  description:
    'The SELECT of int_leads_score_bounds over any relation with the columns of int_lead_facts: its name goes where `{facts}` stands.',
  columns: { score_version: 'VARCHAR', query: 'VARCHAR', columns: 'VARCHAR[]' },
  key: ['score_version'],
  docs: { columns: 'The columns of the facts that it reads.' },
}

/** Two steps: the query, which needs nothing, and what it makes of the facts. */
export function boundsSteps(scoring: Scoring): Step[] {
  const relative = scoring.policy.qualification.tiers.some(isRelative)
  const reads = relative ? [`${FROZEN.source}.${FROZEN.table}`] : []
  return [
    {
      name: 'score_bounds_query',
      kind: 'step',
      stage: 'scoring',
      file: 'scoring/open-leads.ts',
      description: 'The cards as a SELECT of what is open of a lead.',
      reads: [],
      builds: [BOUNDS_QUERY],
      fingerprint: scoring.version,
      async run({ buildRows }) {
        const columns = columnsOf(scoring)
        const types = Object.fromEntries(columns.map((column) => [column, '']))
        const query = compileBounds(scoring, '{facts}', types, FROZEN_RELATION)
        const rows = await buildRows(BOUNDS_QUERY, [{ score_version: scoring.version, query, columns }])
        return { rows, text: `reads ${columns.length} columns of the facts` }
      },
    },
    {
      name: 'score_bounds',
      kind: 'step',
      stage: 'scoring',
      file: 'scoring/open-leads.ts',
      description: 'What is still open of every lead: what its score and tier could become.',
      reads: [FACTS.name, ...reads],
      builds: [LEAD_BOUNDS],
      fingerprint: scoring.version,
      async bind(connection) {
        const { facts, types } = await boundFacts(scoring, connection)
        await connection.describe(compileBounds(scoring, facts, types, FROZEN_RELATION))
      },
      async run({ connection, build }) {
        const { facts, types } = await boundFacts(scoring, connection)
        const rows = await build(LEAD_BOUNDS, compileBounds(scoring, facts, types, FROZEN_RELATION))
        const [found] = await connection.rows<{ open: number }>(
          `select count(*) as open from ${relationName(LEAD_BOUNDS)} where is_open`,
        )
        const text = `the tier of ${found!.open} of ${rows} leads is open`
        return { rows, text, counts: { open: found!.open } }
      },
    },
  ]
}

/** All that cards and qualification read of a lead. */
function columnsOf({ cards, policy }: Scoring): string[] {
  const sources = [...cards, policy].map(({ source }) => source)
  const named = sources.flatMap(({ expressions, uses }) => [
    ...expressions.flatMap(({ columns }) => columns),
    ...uses.map(({ column }) => column),
  ])
  return [...new Set([...named, ...OVERRIDES, 'lead_id'])].sort()
}
