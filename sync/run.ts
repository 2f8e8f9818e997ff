import type { Room } from '../pipeline/room.ts'
import { bindMappings } from './changes.ts'
import { switchedOn } from './crms.ts'
import { crmPlan } from './forecast.ts'
import { movedFields } from './moved-fields.ts'
import { assignOwners, bindOwners } from './owners.ts'
import { pull } from './pull.ts'
import { checkAccount } from './session.ts'
import { type Settings, settings } from './settings.ts'
import { sync } from './sync.ts'
import { CURSORS, HOOKS, LINKS, OPT_OUTS, OUTCOMES, OWNERS, QUESTIONS, RECORDS, TABLES, WRITES } from './tables.ts'

export { settings }

/** What a mapping may read, or name in its `where`. */
const MARTS = ['dim_companies', 'dim_contacts', 'fct_enriched_leads', 'fct_scored_leads', 'fct_outreach_events']

/** What the ledger and models say of who may be touched, and what people decided. */
const SAYINGS = ['int_companies_excluded', 'int_suppressions_combined', 'stg_ledger__reviews']

/** Marts ⇄ CRM: takes in what the CRM holds, then plans, and where live writes, what is ours to say. */
export const steps: Room<Settings> = async (input) => {
  const crms = await switchedOn(input)
  const unread = new Set<string>()
  const { owners, guard } = input.settings
  const mappings = crms.flatMap((crm) => crm.mappings)
  const marts = new Set([...MARTS, ...mappings.map(({ from }) => from)])
  const assigns = owners.rotate.length + owners.territories.length > 0
  return {
    tables: [...TABLES],
    plans: [crmPlan(crms, marts)],
    diffs: [movedFields(mappings)],
    checks: crms.map(({ name, definition, settings }) => ({
      name: `crm ${name}`,
      run: (world) => checkAccount(name, definition, settings, world),
    })),
    steps: [
      {
        name: 'crm_pull',
        kind: 'resource',
        stage: 'sync',
        file: 'sync/run.ts',
        description:
          'Reads what the CRM holds now: changes since the last time, where it tells them, and what its messages name.',
        reads: [],
        records: [RECORDS, CURSORS, OPT_OUTS, HOOKS],
        fingerprint: null,
        run: (context) => pull(context, crms, unread),
      },
      ...(assigns
        ? [
            {
              name: 'crm_owners',
              kind: 'step' as const,
              stage: 'sync',
              file: 'sync/run.ts',
              description: 'Says whose a company is, where nobody in the CRM owns it.',
              reads: ['dim_companies', 'fct_scored_leads', 'int_crm_records_resolved'],
              records: [OWNERS],
              fingerprint: null,
              bind: (connection: Parameters<typeof bindOwners>[0]) => bindOwners(connection, owners),
              run: (context: Parameters<typeof assignOwners>[0]) => assignOwners(context, owners),
            },
          ]
        : []),
      {
        name: 'crm_sync',
        kind: 'step',
        stage: 'sync',
        file: 'sync/run.ts',
        description: 'Compares the marts with the CRM field by field: a plan, carried out where the target is live.',
        reads: [...marts, ...SAYINGS, 'crm.records', 'sync.outcomes', 'sync.writes', 'sync.links', 'sync.questions'],
        records: [OUTCOMES, WRITES, LINKS, QUESTIONS],
        outward: 'sync',
        fingerprint: null,
        bind: (connection) => bindMappings(connection, mappings),
        run: (context) =>
          sync(
            context,
            crms.filter(({ name }) => !unread.has(name)),
            { guard },
          ),
      },
    ],
  }
}
