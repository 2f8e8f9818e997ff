// A month of the Receita Federal from its zips to Parquet, whole and with an ICP, beside DuckDB alone on the same rows
// already unpacked and recoded, and beside unzip, iconv and DuckDB. Each takes the best of some runs, in turns.
// node bench/receita.mjs [establishments] [--keep folder] [--runs 3]

import { fork, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { build } from 'esbuild'
import { generateMonth } from './receita-data.mjs'

const BASE = 72_800_000
const THREADS = 2
const GOALS = { ratio: 0.8, memory_gb: 4, minutes: 30, icp_minutes: 12 }
const PUBLISHED = [
  ['minha-receita (Go to PostgreSQL)', 'over 120 min; 12 to 24 h in Docker'],
  ['cnpj-sqlite (i5-12450H, SSD, July 2025)', '77 min'],
  ['TypeScript to PostgreSQL with COPY', '18,000 establishments/s, 120 min in one process, 30 in four'],
  ['qsacnpj (R, older layout)', '240 to 300 min'],
]
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const LOAD = {
  full: 'every row, all tables',
  icp: 'active, two states, two sectors, with partners',
  whole: 'all of it landed by state, and from there that ICP',
  reuse: 'another such ICP from there, without the zips',
}

if (process.argv[2] === '--child') await child(process.argv[3], process.argv[4])
else await main()

async function main() {
  const establishments = Number(process.argv[2] ?? 3_000_000)
  const kept = process.argv.indexOf('--keep')
  const folder = kept < 0 ? mkdtempSync(join(tmpdir(), 'lead-engine-bench-')) : process.argv[kept + 1]
  const [zips, clean] = [join(folder, 'zips'), join(folder, 'clean')]
  try {
    const made = await monthIn(establishments, folder, zips, clean)
    const text = Object.values(made).reduce((sum, { bytes }) => sum + bytes, 0)
    const rows = Object.values(made).reduce((sum, table) => sum + table.rows, 0)
    console.log(
      `${count(establishments)} establishments, ${count(rows)} rows in all, ${mb(text)} of text, ${mb(sizeOf(zips))} of zips; ${THREADS} threads`,
    )
    const named = process.argv.indexOf('--runs')
    const { bare, full, icp, whole, reuse } = await bestOf(named < 0 ? 1 : Number(process.argv[named + 1]), folder)
    const unpacked = unpacking(zips, folder)
    const line = (name, { seconds, cpu, rss }, all = rows) =>
      console.log(
        `${name.padEnd(54)} ${seconds.toFixed(1)} s, CPU ${cpu.toFixed(1)} s, ${count(Math.round(all / seconds))} rows/s, ${mb(text / seconds)}/s, peak ${(rss / 1e9).toFixed(2)} GB`,
      )
    line('bare DuckDB, clean UTF-8 text to the same Parquet', bare)
    if (unpacked !== undefined) {
      const both = { seconds: bare.seconds + unpacked.seconds, cpu: bare.cpu + unpacked.cpu, rss: bare.rss }
      line('the same from the zips: unzip, iconv, then DuckDB', both)
    }
    line(`ours from the zips: ${LOAD.full}`, full)
    line(`ours from the zips: ${LOAD.icp}`, icp)
    line(`ours from the zips: ${LOAD.whole}`, whole)
    line(`ours: ${LOAD.reuse}`, reuse)
    console.log(`  landed with the ICP: ${count(icp.landed)} rows (${((100 * icp.landed) / rows).toFixed(1)} %)`)
    verdict('rows/s of a full load beside bare (wall)', bare.seconds / full.seconds, GOALS.ratio, true)
    verdict(
      'the same by CPU time, which other work on the machine does not change much',
      bare.cpu / full.cpu,
      GOALS.ratio,
      true,
    )
    verdict('peak memory, GB', Math.max(full.rss, icp.rss) / 1e9, GOALS.memory_gb)
    const factor = BASE / establishments
    for (const [name, run, goal] of [
      ['full', full, GOALS.minutes],
      ['ICP', icp, GOALS.icp_minutes],
      ['landed whole', whole, GOALS.minutes],
      ['another ICP from there', reuse, GOALS.icp_minutes],
    ]) {
      console.log(
        `whole base, ${name}: ${run.seconds.toFixed(1)} s × ${count(BASE)} / ${count(establishments)} = ${run.seconds.toFixed(1)} s × ${factor.toFixed(2)}`,
      )
      verdict(`  minutes on ${THREADS} cores`, (run.seconds * factor) / 60, goal)
      console.log(
        `  its CPU time alone: ${run.cpu.toFixed(1)} s × ${factor.toFixed(2)} / ${THREADS} cores = ${((run.cpu * factor) / THREADS / 60).toFixed(1)} minutes`,
      )
    }
    console.log('published (providers.md §2.6):')
    for (const [who, time] of PUBLISHED) console.log(`  ${who.padEnd(44)} ${time}`)
  } finally {
    if (kept < 0) rmSync(folder, { recursive: true, force: true })
  }
}

async function monthIn(establishments, folder, zips, clean) {
  const about = join(folder, `made-${establishments}.json`)
  if (existsSync(about)) return JSON.parse(readFileSync(about, 'utf8'))
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const database = await DuckDBInstance.create(':memory:', { threads: String(THREADS) })
  const made = await generateMonth(await database.connect(), { folder: zips, clean, establishments })
  writeFileSync(about, JSON.stringify(made))
  return made
}

/** The least wall and CPU time of each, since other work on the machine only ever adds. */
async function bestOf(runs, folder) {
  const best = {}
  for (let run = 0; run < runs; run++) {
    for (const what of ['bare', 'full', 'icp', 'whole', 'reuse']) {
      const now = await once(what, folder)
      const least = (name) => Math.min(now[name], best[what]?.[name] ?? Number.POSITIVE_INFINITY)
      best[what] = {
        ...now,
        seconds: least('seconds'),
        cpu: least('cpu'),
        rss: Math.max(now.rss, best[what]?.rss ?? 0),
      }
    }
  }
  return best
}

/** What bare leaves to whoever uses it: zips of latin1 to files of UTF-8. Undefined where the two programs are not there. */
function unpacking(zips, folder) {
  const to = join(folder, 'unpacked')
  mkdirSync(to, { recursive: true })
  const each = `for zip in '${zips}'/*.zip; do unzip -p "$zip" | iconv -f latin1 -t utf-8 > "${to}/$(basename "$zip").csv" || exit 1; done; times`
  const begun = performance.now()
  const { status, stdout } = spawnSync('sh', ['-c', each], { encoding: 'utf8' })
  const seconds = (performance.now() - begun) / 1000
  rmSync(to, { recursive: true, force: true })
  if (status !== 0) return undefined
  const children = stdout.trim().split('\n').at(-1)
  const times = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(([, minutes, rest]) => 60 * minutes + Number(rest))
  return { seconds, cpu: times.reduce((sum, time) => sum + time, 0) }
}

/** In a process of its own, so that its memory and CPU are its own. */
function once(what, folder) {
  return new Promise((resolve, reject) => {
    const one = fork(fileURLToPath(import.meta.url), ['--child', what, folder], { execArgv: [] })
    one.on('message', resolve)
    one.on('exit', (code) => code !== 0 && reject(new Error(`${what} ended with ${code}`)))
  })
}

async function child(what, folder) {
  let [begun, before] = [0, 0]
  const cpu = () => process.resourceUsage().userCPUTime + process.resourceUsage().systemCPUTime
  // Bundling our own code is no part of the load.
  const start = () => {
    begun = performance.now()
    before = cpu()
  }
  const landed = what === 'bare' ? await bare(folder, start) : await ours(what, folder, start)
  const seconds = (performance.now() - begun) / 1000
  const rss = process.resourceUsage().maxRSS * 1024
  process.send({ seconds, cpu: (cpu() - before) / 1e6, rss, landed }, () => process.exit(0))
}

/** The same columns and types, read by DuckDB alone from text that is clean already, to Parquet with the same compression. */
async function bare(folder, start) {
  const { receita } = await bundled('bare')
  start()
  const database = await DuckDBInstance.create(':memory:', { threads: String(THREADS) })
  const connection = await database.connect()
  const out = join(folder, 'bare')
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out)
  let rows = 0
  for (const [table, stem] of [
    ['estabelecimentos', 'Estabelecimentos'],
    ['empresas', 'Empresas'],
    ['socios', 'Socios'],
    ['simples', 'Simples'],
  ]) {
    const shape = receita.resources[table].row.shape
    const meta = (name) => shape[name].meta() ?? {}
    const names = Object.keys(shape)
    const fields = names.filter((name) => !meta(name).derived).map((name) => `'${name}': 'VARCHAR'`)
    // What the loader does to bytes before (commas of amounts, dates), bare does in SQL; nothing is cleaned or checked.
    const sqlOf = (name) =>
      meta(name).duckdb === 'DECIMAL(18,2)'
        ? `try_cast(replace({}, ',', '.') as decimal(18, 2))`
        : meta(name).duckdb === 'DATE'
          ? `try_strptime({}, '%Y%m%d')::date`
          : (meta(name).sql ?? '{}')
    const select = names.map(
      (name) =>
        `cast(${sqlOf(name).replaceAll('{}', () => `"${name}"`)} as ${meta(name).duckdb ?? 'VARCHAR'}) as "${name}"`,
    )
    for (const file of readdirSync(join(folder, 'clean')).filter((name) => name.startsWith(stem))) {
      const csv = `read_csv('${join(folder, 'clean', file)}', header = false, auto_detect = false, delim = ';', quote = '"', escape = '"', new_line = '\\n', columns = {${fields.join(', ')}})`
      const result = await connection.run(
        `copy (select ${select.join(', ')} from ${csv}) to '${join(out, `${file}.parquet`)}' (format parquet, compression zstd)`,
      )
      rows += Number(result.rowsChanged)
    }
  }
  rmSync(out, { recursive: true, force: true })
  return rows
}

async function ours(what, folder, start) {
  const { receita, openDatabase, icpSchema } = await bundled(what)
  start()
  const database = await openDatabase({ threads: THREADS })
  const connection = await database.connect()
  await connection.run(
    'create schema seeds; create table seeds.cnae_industries (cnae_prefix varchar, industry varchar)',
  )
  const lake = join(folder, `lake-${what === 'reuse' ? 'whole' : what}`)
  if (what !== 'reuse') rmSync(lake, { recursive: true, force: true })
  let committed = 0
  const rules = {
    full: {},
    icp: { countries: ['BR'], states: ['SP', 'DF'], cnae: ['62', '4930'] },
    whole: { countries: ['BR'], states: ['SP', 'DF'], cnae: ['62', '4930'] },
    reuse: { countries: ['BR'], states: ['RJ', 'MG'], cnae: ['56', '47'] },
  }[what]
  const context = {
    connection,
    as_of: '2026-11-20',
    now: () => new Date(),
    paths: { root: folder, data: lake, target: lake },
    progress: () => {},
    signal: new AbortController().signal,
    reject: async () => {},
    lakeFolder: (table) => {
      rmSync(join(lake, table.table), { recursive: true, force: true })
      mkdirSync(join(lake, table.table), { recursive: true })
      return join(lake, table.table)
    },
    commitLake: async (tables) => {
      committed = tables.reduce((sum, { rows }) => sum + rows, 0)
    },
    lakeSnapshots: async () => [],
    letGoOfSnapshots: async () => [],
    icp: icpSchema.parse({
      version: 1,
      profiles: { one: { description: 'One', hard: rules, personas: [{ name: 'owner' }] } },
    }),
    settings: receita.settings.parse({
      path: 'zips',
      only: what === 'full' ? { situacao: [] } : {},
      land_whole: what === 'whole' || what === 'reuse',
    }),
  }
  await receita.bulk.land(context)
  if (what !== 'whole') rmSync(lake, { recursive: true, force: true })
  return committed
}

async function bundled(what) {
  const file = join(root, 'node_modules', '.cache', `bench-receita-${what}.${process.pid}.mjs`)
  const entry = `export { default as receita } from './ingest/providers/receita_federal.ts'
    export { icpSchema } from './ingest/icp.ts'
    export { openDatabase } from './pipeline/warehouse/duckdb.ts'`
  mkdirSync(dirname(file), { recursive: true })
  await build({
    stdin: { contents: entry, resolveDir: root },
    outfile: file,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  })
  const modules = await import(pathToFileURL(file).href)
  rmSync(file)
  return modules
}

function sizeOf(folder) {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
}
function verdict(what, value, goal, least = false) {
  const reached = least ? value >= goal : value < goal
  console.log(
    `${what}: ${value.toFixed(2)} (goal ${least ? 'at least' : 'below'} ${goal}: ${reached ? 'reached' : 'MISSED'})`,
  )
}
function count(number) {
  return number.toLocaleString('en-US')
}
function mb(bytes) {
  return `${count(Math.round(bytes / 1e6))} MB`
}
