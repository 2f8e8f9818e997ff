// `pipeline serve` as its own process on this machine, asked by autocannon: POST /v1/score at 200 requests a second, one lead
// each; GET /v1/leads over a publication of a million leads, one client, for filters, orders, deep pages and words.
// node bench/serve.mjs [leads] [seconds a case] (1000000, 10; the project and its publication are made first, in a temporary folder)
import { spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import autocannon from 'autocannon'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const leads = Number(process.argv[2] ?? 1_000_000)
const seconds = Number(process.argv[3] ?? 10)
const project = mkdtempSync(join(tmpdir(), 'lead-engine-bench-serve-'))
process.on('exit', () => rmSync(project, { recursive: true, force: true }))

for (const name of [
  'pipeline.yaml',
  'models',
  'seeds',
  'analyses',
  'ingest/icp.yaml',
  'scoring',
  'outreach',
  'sync',
  'test/data',
])
  cpSync(join(root, name), join(project, name), { recursive: true, filter: (path) => !path.endsWith('.ts') })
await pipeline('run', '--quiet')
const facts = await query(
  join(project, 'data', '.build', 'warehouse.duckdb'),
  'select * from intermediate.int_lead_facts',
)
const { floor_ms, described } = await enlarge()

const server = spawn(process.execPath, [join(root, 'bin', 'pipeline.mjs'), 'serve', '--port', '0'], { cwd: project })
const url = await new Promise((done, fail) => {
  let said = ''
  for (const out of [server.stdout, server.stderr])
    out.on('data', (part) => {
      said += part
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0]
      if (found !== undefined) done(found)
    })
  server.on('exit', () => fail(new Error(said)))
})
try {
  console.log(`${described}; a scan of the whole table by bare DuckDB: ${floor_ms.toFixed(0)} ms`)
  await scores()
  await lists()
  console.log(`server: ${memory()} MB resident, ${cpu()} s of CPU in all`)
} finally {
  server.removeAllListeners('exit')
  server.kill()
}

async function scores() {
  const requests = facts.map((lead) => ({
    method: 'POST',
    path: '/v1/score',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ lead }),
  }))
  const options = { url, connections: 8, overallRate: 200, requests }
  await run({ ...options, duration: 2 })
  const before = cpu()
  const told = await run({ ...options, duration: seconds * 2 })
  show('POST /v1/score, 200/s', told, 15, before)
}

async function lists() {
  const deep = await cursorAt('sort=score&order=desc', 40)
  const cases = [
    ['default order', 'limit=50', 100],
    ['filter: status, tier', 'status=qualified&tier=A&limit=50', 100],
    [
      'filter: industry, score',
      `industry=${encodeURIComponent(await industry())}&score_from=40&score_to=60&limit=50`,
      100,
    ],
    ['filter: owner, few rows', 'owner=owner_77&limit=50', 100],
    ['sort: company_name', 'sort=company_name&order=asc&limit=50', 100],
    ['sort: employee_count, asc', 'sort=employee_count&order=asc&limit=50', 100],
    ['sort: enriched_at', 'sort=enriched_at&limit=50', 100],
    ['keyset: page 40 by score', `sort=score&after=${deep}&limit=50`, 100],
    ['keyset: by name, in the middle', `sort=company_name&order=asc&after=${await cursorAtName()}&limit=50`, 100],
    ['text: rare', 'text=acme%20777777', 250],
    ['text: in half the rows', 'text=ana&limit=50', 250],
    ['text: nowhere', 'text=zzzzqqqq', 250],
    ['text and filter, sorted by name', 'text=ltda&status=nurture&sort=company_name&order=asc', 250],
  ]
  for (const [name, search, goal] of cases) {
    const target = { url: `${url}/v1/leads?${search}`, connections: 1 }
    await run({ ...target, duration: 1 })
    const before = cpu()
    show(name, await run({ ...target, duration: seconds }), goal, before)
  }
}

async function run(options) {
  const told = await autocannon({ ...options, timeout: 60 })
  if (told.non2xx > 0 || told.errors > 0) throw new Error(`${told.non2xx} not 2xx, ${told.errors} errors`)
  return told
}

function show(name, { latency, requests }, goal, before) {
  const each = ((cpu() - before) / requests.total) * 1000
  const verdict = latency.p99 < goal ? 'holds' : 'MISSED'
  console.log(
    `${name.padEnd(32)} p50 ${String(latency.p50).padStart(4)}  p99 ${String(latency.p99).padStart(5)} ms (goal ${goal}: ${verdict})  ${requests.total} requests, ${each.toFixed(1)} ms of CPU each`,
  )
}

async function cursorAt(search, pages) {
  let after = ''
  for (let page = 0; page < pages; page++) {
    const response = await fetch(`${url}/v1/leads?${search}&limit=500${after === '' ? '' : `&after=${after}`}`)
    after = (await response.json()).next
  }
  return after
}

async function cursorAtName() {
  const { data } = await (await fetch(`${url}/v1/leads?limit=1&sort=employee_count`)).json()
  return Buffer.from(JSON.stringify([data[0].company_name, data[0].lead_id])).toString('base64url')
}

async function industry() {
  const { facets } = await (await fetch(`${url}/v1/leads/facets`)).json()
  return facets.industry.find(({ value }) => value !== null).value
}

/** The publication of the run with so many leads: the four marts by SQL, `ops.lead_rows` by its model over them. */
async function enlarge() {
  const folder = join(project, 'data', '.published', 'current')
  const file = join(folder, 'warehouse.duckdb')
  const compiled = readdirSync(join(project, 'target', 'compiled'), { recursive: true }).find((path) =>
    path.endsWith('ops/lead_rows.sql'),
  )
  const model = readFileSync(join(project, 'target', 'compiled', compiled), 'utf8').replace(/;\s*$/, '')
  chmodSync(file, 0o644)
  const instance = await DuckDBInstance.create(file)
  const connection = await instance.connect()
  const id = (prefix) => `'${prefix}_' || md5('${prefix}' || n)[:20]`
  await connection.run(`
    set search_path = 'marts,ops'; set memory_limit = '3GB';
    create temp table numbered as select row_number() over (order by lead_id) as k, * from marts.fct_scored_leads where contact_id is not null;
    create temp table numbers as select n, 1 + n % (select count(*) from numbered) as k from range(${leads}) t(n);
    create temp table base as select numbers.n, numbered.* from numbers join numbered using (k);
    create or replace table marts.dim_companies as
      select companies.* replace (${id('comp')} as company_id,
        ['Ana', 'Acme', 'Brava', 'Casa', 'Delta', 'Norte'][1 + cast(hash(n) % 6 as bigint)] || ' ' || n || ' ' || companies.name as name,
        'c' || n || '.example' as domain, cast(1 + hash(n, 3) % 20000 as integer) as employee_count)
      from base join marts.dim_companies as companies using (company_id) order by company_id;
    create or replace table marts.dim_contacts as
      select contacts.* replace (${id('cont')} as contact_id, ${id('comp')} as company_id,
        ['Ana', 'Bruno', 'Carla', 'Davi', 'Erica'][1 + cast(hash(n, 1) % 5 as bigint)] || ' ' || contacts.full_name as full_name)
      from base join marts.dim_contacts as contacts using (contact_id) order by contact_id;
    create or replace table marts.fct_enriched_leads as
      select enriched.* replace (${id('lead')} as lead_id, ${id('comp')} as company_id, ${id('cont')} as contact_id,
        'p' || n || '@c' || n || '.example' as email, enriched.enriched_at - to_seconds(cast(hash(n, 4) % 8000000 as integer)) as enriched_at)
      from base join marts.fct_enriched_leads as enriched using (lead_id) order by lead_id;
    create or replace table marts.fct_scored_leads as
      select * exclude (n, k) replace (${id('lead')} as lead_id, ${id('comp')} as company_id, ${id('cont')} as contact_id,
        round(hash(n, 2) % 100000 / 1000.0, 2) as score, 'owner_' || hash(n, 5) % 100 as owner, null as deal_brief, null as reasons,
        null as brief_evidence)
      from base order by lead_id;`)
  await connection.run(`create or replace table ops.lead_rows as select * from (${model}) order by lead_id`)
  await connection.run('checkpoint')
  const count = async (sql) => (await connection.runAndReadAll(sql)).getRowsJson()[0][0]
  const all = await count('select count(*) from ops.lead_rows')
  await connection.run('set threads = 2')
  const started = performance.now()
  await count(`select count(*) from ops.lead_rows where search_text like '%nothing of this kind%' or score < 0`)
  const floor_ms = performance.now() - started
  connection.closeSync()
  instance.closeSync()
  return { floor_ms, described: `${Number(all).toLocaleString('en')} leads` }
}

async function query(file, sql) {
  const instance = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' })
  const connection = await instance.connect()
  const rows = (await connection.runAndReadAll(`select to_json(t)::varchar from (${sql}) t`)).getRowsJson()
  connection.closeSync()
  instance.closeSync()
  return rows.map(([text]) => JSON.parse(text))
}

function pipeline(...args) {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [join(root, 'bin', 'pipeline.mjs'), ...args], {
      cwd: project,
      stdio: 'inherit',
    })
    child.on('close', (code) => (code === 0 ? done() : fail(new Error(`exit ${code}`))))
  })
}

/** Seconds of the server, user and system. */
function cpu() {
  const fields = readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function memory() {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) / 1024)
}
