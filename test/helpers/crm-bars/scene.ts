import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NO_BUDGET } from '../../../pipeline/budget.ts'
import { contextFor, type World } from '../../../pipeline/context.ts'
import type { Problem } from '../../../pipeline/errors.ts'
import { filePaces } from '../../../pipeline/http/pace-store.ts'
import { createHttp, type HttpFactory } from '../../../pipeline/http.ts'
import type { Step, StepSummary } from '../../../pipeline/step.ts'
import { type Connection, withTransactions } from '../../../pipeline/warehouse/duckdb.ts'
import { createLedger, ensureRawTables, ledgerInfo } from '../../../pipeline/warehouse/ledger.ts'
import { Recorder } from '../../../pipeline/warehouse/recorder.ts'
import { openSession } from '../../../pipeline/warehouse/session.ts'
import { createSourceViews } from '../../../pipeline/warehouse/sources.ts'
import { loadCrm } from '../../../sync/crms.ts'
import { readMappings, type SwitchedOn } from '../../../sync/mapping.ts'
import { pull } from '../../../sync/pull.ts'
import { settings as roomSettings } from '../../../sync/settings.ts'
import { sync } from '../../../sync/sync.ts'
import { TABLES } from '../../../sync/tables.ts'

/** Which rows there are: so many companies, with a person, a deal and a brief each. */
export interface Rows {
  companies: number
  /** The first so many companies have another name. */
  changed?: number
  /** SQL on the marts afterwards. */
  and?: string
}

/** The same facts every time, so that a judge knows them without asking anybody. */
const martsSql = ({ companies, changed = 0, and = '' }: Rows) => `
  create or replace table marts.dim_companies as
  select 'cmp_' || n as company_id, 'Company ' || n || case when n <= ${changed} then ' renamed' else '' end as name, 'c' || n || '.example' as domain
  from range(1, ${companies + 1}) as numbers(n);
  create or replace table marts.dim_contacts as
  select 'con_' || n as contact_id, 'cmp_' || n as company_id, 'Person ' || n as last_name, 'p' || n || '@c' || n || '.example' as email
  from range(1, ${companies + 1}) as numbers(n);
  create or replace table marts.fct_deals as
  select 'led_' || n as lead_id, 'cmp_' || n as company_id, 'con_' || n as contact_id, 'Deal ' || n as deal_name, date '2027-01-31' as close_on,
    'Brief ' || n as brief
  from range(1, ${companies + 1}) as numbers(n);
  create or replace table intermediate.int_companies_excluded (company_id varchar, reason varchar);
  create or replace table intermediate.int_suppressions_combined (suppressed_by varchar, suppressed_value varchar, origin varchar);
  create or replace table staging.stg_ledger__reviews (item_id varchar, kind varchar, decision varchar);
  ${and}`

export interface CoreOptions {
  root: string
  crm: string
  settings: Record<string, unknown>
  /** Object → YAML. */
  mappings: Readonly<Record<string, string>>
  /** The ledger is a file below `root`, as a run has it; in memory unless said. */
  file?: boolean
  /** The clock that waits move on; the real one, and waits of 30 ms at most, unless said. */
  clock?: { now: number }
  /** False: as fast as the other side takes it. */
  limited: boolean
}

export interface RunOptions extends Rows {
  orders?: object
  /** Stands between the sync and the wire. */
  wire?: (http: HttpFactory) => HttpFactory
}

export interface Core {
  connection: Connection
  /** Pull and sync as a run has them, each with a session, a pace and a run of its own. Throws what the steps throw. */
  run(options: RunOptions): Promise<StepSummary & { seconds: { pull: number; sync: number } }>
  close(): void
}

/** The sync as `pipeline sync apply` runs it, over marts of so many rows, against whatever its settings point at. */
export async function openCore(options: CoreOptions): Promise<Core> {
  const { root, crm: name, settings, clock, limited } = options
  const now = () => (clock === undefined ? new Date() : new Date(clock.now))
  const as_of = now().toISOString().slice(0, 10)
  const ledger = options.file
    ? { ledger: join(root, 'ledger.duckdb'), memory_limit: '256MB', threads: 2 }
    : { threads: 1 }
  const session = await openSession({ as_of, ...ledger })
  const { connection } = session
  if (!options.file) await connection.run(`set disabled_optimizers = 'in_clause'`)
  if ((await ledgerInfo(connection)) === undefined) await createLedger(connection, now())
  await session.useSchemas(['marts', 'intermediate', 'staging', 'ops'])
  await ensureRawTables(connection, TABLES)
  await createSourceViews(session, join(root, 'lake'), TABLES)
  const crm = await switchOn(root, name, settings, options.mappings)
  const log = await session.connect()
  await log.run(`set search_path = '_ledger.log'`)
  const signal = new AbortController().signal
  const sleep = async (ms: number) => {
    if (clock !== undefined) clock.now += ms
    else await new Promise((resolve) => setTimeout(resolve, Math.min(ms, 30)))
  }
  const [last] = await connection.rows<{ seq: number }>('select coalesce(max(seq), 0) as seq from _ledger.log.runs')
  let { seq } = last!

  return {
    connection,
    async run({ orders = {}, wire = (http) => http, ...rows }) {
      await connection.run(martsSql(rows))
      seq++
      const run_id = `run_${String(seq).padStart(6, '0')}`
      const started_at = now().toISOString()
      const identity = {
        run_id,
        seq,
        command: 'run',
        call: 'bars',
        target: 'test',
        as_of,
        git_commit: null,
        started_at,
      }
      const recorder = await Recorder.open(session, identity, false)
      const deps = {
        run_id,
        as_of,
        now,
        sleep,
        signal,
        random: Math.random,
        live: new Set(['sync' as const]),
        budget: NO_BUDGET,
      }
      const asked = createHttp({
        ...deps,
        connection: withTransactions(log, (each) => recorder.write(each, log)),
        ...(limited
          ? { pace: (service: string) => filePaces(join(root, '.pace', `${service}.json`), { now, sleep }) }
          : {}),
      })
      const free: HttpFactory = (told) => {
        const limits = { concurrency: 8, timeout_s: 1, retries: told.limits?.retries ?? 4 }
        return asked({ ...told, buckets: {}, limits })
      }
      const world: World = {
        ...{ session, recorder, http: wire(limited ? asked : free), now, run_id, live: new Set(['sync']), signal },
        files: () => {
          throw new Error('no files')
        },
        paths: { root, data: join(root, 'data'), target: join(root, 'target') },
        progress: () => {},
        orders: { sync: orders },
      }
      const step: Step = {
        ...{ name: 'crm_sync', kind: 'step', stage: 'sync', file: '', description: '', reads: [], fingerprint: null },
        ...{ records: TABLES, run: () => Promise.reject() },
      }
      try {
        const context = await contextFor(step, world)
        const start = performance.now()
        await pull(context, [crm], new Set())
        const pulled = performance.now()
        const summary = await sync(context, [crm], roomSettings.parse({ guard: { creates: 1_000_000, share: 1 } }))
        return { ...summary, seconds: { pull: (pulled - start) / 1000, sync: (performance.now() - pulled) / 1000 } }
      } finally {
        recorder.close()
      }
    },
    close() {
      log.close()
      session.close()
    },
  }
}

async function switchOn(
  root: string,
  name: string,
  settings: Record<string, unknown>,
  mappings: CoreOptions['mappings'],
): Promise<SwitchedOn> {
  const folder = join(root, 'sync/mappings', name)
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true })
  for (const [object, text] of Object.entries(mappings)) writeFileSync(join(folder, `${object}.yml`), text)
  const definition = (await loadCrm(name))!
  const problems: Problem[] = []
  const read = readMappings(root, { name, crm: name }, definition, problems)
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  return { name, definition, settings: definition.settings.parse(settings), mappings: read }
}
