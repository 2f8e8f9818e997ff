import { z } from 'zod'
import { pluginNames } from '../pipeline/code-root.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import type { Room, RoomInput } from '../pipeline/room.ts'
import { validate } from '../pipeline/yaml.ts'
import { sync } from './apply.ts'
import { bindMappings } from './changes.ts'
import type { Crm } from './define.ts'
import { crmPlan } from './forecast.ts'
import { readMappings, type SwitchedOn } from './mapping.ts'
import { movedFields } from './moved-fields.ts'
import { pull } from './pull.ts'
import { checkAccount } from './session.ts'
import { OUTCOMES, RECORDS } from './tables.ts'

export const settings = z
  .strictObject({
    /** CRM → its settings; each is checked against the CRM's own schema. */
    crms: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  })
  .prefault({})

type Settings = z.output<typeof settings>

/** What a mapping may read, or name in its `where`. */
const MARTS = ['dim_companies', 'dim_contacts', 'fct_enriched_leads', 'fct_scored_leads', 'fct_outreach_events']

/** Marts ⇄ CRM: takes in what the CRM holds, then plans, and where live writes, what is ours to say. */
export const steps: Room<Settings> = async (input) => {
  const crms = await switchedOn(input)
  const marts = new Set([...MARTS, ...crms.flatMap(({ mappings }) => mappings.map(({ from }) => from))])
  return {
    tables: [RECORDS, OUTCOMES],
    plans: [crmPlan(crms, marts)],
    diffs: [movedFields(crms.flatMap(({ mappings }) => mappings))],
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
        description: 'Reads what the CRM holds now.',
        reads: [],
        records: [RECORDS],
        fingerprint: null,
        run: (context) => pull(context, crms),
      },
      {
        name: 'crm_sync',
        kind: 'step',
        stage: 'sync',
        file: 'sync/run.ts',
        description: 'Compares the marts with the CRM field by field: a plan, carried out where the target is live.',
        reads: [...marts, 'crm.records', 'sync.outcomes'],
        records: [OUTCOMES],
        outward: 'sync',
        fingerprint: null,
        bind: (connection) =>
          bindMappings(
            connection,
            crms.flatMap(({ mappings }) => mappings),
          ),
        run: (context) => sync(context, crms),
      },
    ],
  }
}

async function switchedOn(input: RoomInput<Settings>): Promise<SwitchedOn[]> {
  const { root, config, problems } = input
  const crms: SwitchedOn[] = []
  for (const name of Object.keys(input.settings.crms)) {
    const path = ['sync', 'crms', name]
    const { crm = name, ...given } = input.settings.crms[name]!
    const definition = await loadCrm(String(crm))
    if (definition === undefined) {
      problems.push({
        file: config.file,
        line: config.lineOf(path),
        message: `there is no CRM '${String(crm)}'`,
        hint: didYouMean(String(crm), pluginNames('sync', 'crms')) ?? 'Each file in sync/crms/ is one.',
      })
      continue
    }
    const own = validate(
      definition.settings,
      { ...config, data: { sync: { crms: { [name]: given } } } },
      problems,
      path,
    )
    const mappings = readMappings(root, { name, crm: String(crm) }, definition, problems)
    if (own !== undefined) crms.push({ name, definition, settings: own, mappings })
  }
  return crms
}

/** The CRM of that file name; undefined when there is no such file. */
export async function loadCrm(name: string): Promise<Crm | undefined> {
  if (!pluginNames('sync', 'crms').includes(name)) return undefined
  return ((await import(`./crms/${name}.ts`)) as { default: Crm }).default
}
