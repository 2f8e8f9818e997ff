import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NO_BUDGET } from '../../../pipeline/budget.ts'
import { contextFor, type World } from '../../../pipeline/context.ts'
import type { Problem } from '../../../pipeline/errors.ts'
import { createHttp } from '../../../pipeline/http.ts'
import type { Step } from '../../../pipeline/step.ts'
import { withTransactions } from '../../../pipeline/warehouse/duckdb.ts'
import { createLedger, ensureRawTables } from '../../../pipeline/warehouse/ledger.ts'
import { Recorder } from '../../../pipeline/warehouse/recorder.ts'
import { openSession } from '../../../pipeline/warehouse/session.ts'
import { createSourceViews } from '../../../pipeline/warehouse/sources.ts'
import { loadCrm } from '../../../sync/crms.ts'
import { readMappings } from '../../../sync/mapping.ts'
import { pull } from '../../../sync/pull.ts'
import { settings } from '../../../sync/settings.ts'
import { sync } from '../../../sync/sync.ts'
import { TABLES } from '../../../sync/tables.ts'

/** One sync as a process of its own, so that it can be killed: `node worker.mjs '<json>'`. Prints its summary at the end. */
export interface Work {
  root: string
  crm: string
  settings: Record<string, unknown>
  /** Object → YAML. */
  mappings: Record<string, string>
  /** Companies; a person and a deal each. */
  companies: number
  /** The first so many companies have another name. */
  changed: number
  run: number
}

const work = JSON.parse(process.argv[2]!) as Work

const marts = `
  create or replace table marts.dim_companies as
  select 'cmp_' || n as company_id, 'Company ' || n || case when n <= ${work.changed} then ' renamed' else '' end as name, 'c' || n || '.example' as domain
  from range(1, ${work.companies + 1}) as numbers(n);
  create or replace table marts.dim_contacts as
  select 'con_' || n as contact_id, 'cmp_' || n as company_id, 'Person ' || n as last_name, 'p' || n || '@c' || n || '.example' as email
  from range(1, ${work.companies + 1}) as numbers(n);
  create or replace table marts.fct_deals as
  select 'led_' || n as lead_id, 'cmp_' || n as company_id, 'con_' || n as contact_id, 'Deal ' || n as deal_name, date '2027-01-31' as close_on
  from range(1, ${work.companies + 1}) as numbers(n);
  create or replace table intermediate.int_companies_excluded (company_id varchar, reason varchar);
  create or replace table staging.stg_ledger__suppressions (suppressed_by varchar, suppressed_value varchar);
  create or replace table staging.stg_ledger__reviews (item_id varchar, kind varchar, decision varchar)`

async function main(): Promise<void> {
  const as_of = new Date().toISOString().slice(0, 10)
  const ledger = join(work.root, 'ledger.duckdb')
  const fresh = !existsSync(ledger)
  const session = await openSession({ as_of, ledger, memory_limit: '256MB', threads: 2 })
  const { connection } = session
  const tables = TABLES
  if (
    fresh ||
    (await connection.rows(`select 1 from duckdb_tables() where database_name = '_ledger' and table_name = 'info'`))
      .length === 0
  )
    await createLedger(connection, new Date())
  await session.useSchemas(['marts', 'intermediate', 'staging', 'ops'])
  await connection.run(marts)
  await ensureRawTables(connection, tables)
  await createSourceViews(session, join(work.root, 'lake'), tables)
  const run_id = `run_${String(work.run).padStart(6, '0')}`
  const identity = {
    run_id,
    seq: work.run,
    command: 'run',
    call: 'worker',
    target: 'test',
    as_of,
    git_commit: null,
    started_at: new Date().toISOString(),
  }
  const recorder = await Recorder.open(session, identity, false)
  const log = await session.connect()
  await log.run(`set search_path = '_ledger.log'`)
  const signal = new AbortController().signal
  const asked = createHttp({
    connection: withTransactions(log, (each) => recorder.write(each, log)),
    run_id,
    as_of,
    now: () => new Date(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 30))),
    random: Math.random,
    live: new Set(['sync']),
    budget: NO_BUDGET,
    signal,
  })
  const world: World = {
    session,
    recorder,
    // The limiter is off: what is measured is what we take.
    http: (options) =>
      asked({
        ...options,
        buckets: {},
        limits: { concurrency: 8, timeout_s: 1, retries: options.limits?.retries ?? 4 },
      }),
    files: () => {
      throw new Error('no files')
    },
    now: () => new Date(),
    run_id,
    live: new Set(['sync']),
    paths: { root: work.root, data: join(work.root, 'data'), target: join(work.root, 'target') },
    progress: () => {},
    signal,
  }
  const step: Step = {
    ...{ name: 'crm_sync', kind: 'step', stage: 'sync', file: '', description: '', reads: [], fingerprint: null },
    ...{ records: tables, run: () => Promise.reject() },
  }
  const context = await contextFor(step, world)
  mkdirSync(join(work.root, 'sync/mappings', work.crm), { recursive: true })
  for (const [object, text] of Object.entries(work.mappings))
    writeFileSync(join(work.root, 'sync/mappings', work.crm, `${object}.yml`), text)
  const definition = (await loadCrm(work.crm))!
  const problems: Problem[] = []
  const mappings = readMappings(work.root, { name: work.crm, crm: work.crm }, definition, problems)
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  const crm = { name: work.crm, definition, settings: definition.settings.parse(work.settings), mappings }
  const clock = performance.now()
  await pull(context, [crm], new Set())
  const pulled = performance.now()
  const summary = await sync(context, [crm], settings.parse({ guard: { creates: 1_000_000, share: 1 } }))
  const seconds = { pull: (pulled - clock) / 1000, sync: (performance.now() - pulled) / 1000 }
  console.log(
    JSON.stringify({
      ...summary.counts,
      failures: summary.failures,
      seconds,
      rss: process.memoryUsage().rss,
      cpu: process.cpuUsage(),
    }),
  )
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error)
    process.exit(1)
  },
)
