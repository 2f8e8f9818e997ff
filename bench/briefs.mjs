// Deal briefs: the scores of so many leads with their briefs (and what would raise the score) beside the same scores without,
// each into a table, and the floor: the finished briefs copied from one table into another. The leads are those of the
// sample, multiplied. node bench/briefs.mjs [leads]
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const wanted = Number(process.argv[2] ?? 100_000)
const project = mkdtempSync(join(tmpdir(), 'lead-engine-bench-'))
const FACTS = 'intermediate.int_lead_facts'
const FILES = ['pipeline.yaml', 'models', 'seeds', 'ingest', 'scoring', 'outreach', 'sync']

try {
  for (const name of FILES) {
    mkdirSync(dirname(join(project, name)), { recursive: true })
    cpSync(join(root, name), join(project, name), { recursive: true, filter: (path) => !path.endsWith('.ts') })
  }
  const run = spawnSync(process.execPath, [join(root, 'bin', 'pipeline.mjs'), 'run', '--quiet'], {
    cwd: project,
    encoding: 'utf8',
  })
  if (run.status !== 0) throw new Error(run.stderr)
  const { compileScores, loadScoring, openDatabase, parseYaml } = await bundled()
  const database = await openDatabase({
    path: join(project, 'data/.build/warehouse.duckdb'),
    threads: 2,
    memory_limit: '5GB',
  })
  const connection = await database.connect()
  await connection.run("create or replace macro as_of() as current_date; set search_path = 'main,intermediate'")
  const [{ n }] = await connection.rows(`select count(*) as n from ${FACTS}`)
  const copies = Math.max(1, Math.round(wanted / n))
  await connection.run(`create or replace table ${FACTS} as
    select * replace (lead_id || '.' || copy as lead_id) from ${FACTS}, range(${copies}) as copies (copy)`)
  const problems = []
  const config = parseYaml('pipeline.yaml', 'scoring: {}', problems)
  const settings = { scores: ['fit', 'fit_us', 'intent'], brief: 'deal_brief' }
  const scoring = await loadScoring(root, settings, config, problems)
  if (scoring === undefined) throw new Error(JSON.stringify(problems))
  const types = Object.fromEntries((await connection.describe(`from ${FACTS}`)).map(({ name, type }) => [name, type]))
  const without = await timed(connection, 'plain', compileScores(scoring, FACTS, types, { tells: false }))
  const told = await timed(connection, 'told', compileScores(scoring, FACTS, types, { tells: true }))
  const floor = await timed(connection, 'floor', 'select lead_id, deal_brief, brief_evidence from told')
  const [{ briefs, characters, statements }] = await connection.rows(`
    select count(deal_brief) as briefs, coalesce(avg(len(deal_brief)), 0)::integer as characters,
      coalesce(avg(len(brief_evidence)), 0)::integer as statements
    from told`)
  console.log(
    `${n * copies} leads, ${briefs} briefs of ${characters} characters and ${statements} statements, 2 threads`,
  )
  for (const [name, { seconds, cpu }] of Object.entries({
    'scores alone': without,
    'with briefs': told,
    'briefs copied': floor,
  }))
    console.log(`${name.padEnd(14)} ${seconds.toFixed(1).padStart(6)} s  ${cpu.toFixed(1).padStart(6)} s CPU`)
  const each = (1e6 * (told.cpu - without.cpu)) / Math.max(1, briefs)
  console.log(
    `a brief costs ${each.toFixed(0)} µs of CPU; peak ${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GB`,
  )
  connection.close()
  database.close()
} finally {
  rmSync(project, { recursive: true, force: true })
}

async function timed(connection, table, sql) {
  const [clock, cpu] = [performance.now(), process.cpuUsage()]
  await connection.run(`create or replace table main.${table} as ${sql}`)
  const used = process.cpuUsage(cpu)
  return { seconds: (performance.now() - clock) / 1000, cpu: (used.user + used.system) / 1e6 }
}

async function bundled() {
  const bundle = join(root, 'node_modules', '.cache', 'lead-engine', 'bench-briefs.mjs')
  const { build } = await import('esbuild')
  const contents = `
export { compileScores } from './scoring/compile.ts'
export { loadScoring } from './scoring/load.ts'
export { parseYaml } from './pipeline/yaml.ts'
export { openDatabase } from './pipeline/warehouse/duckdb.ts'
`
  await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['@duckdb/node-bindings*', 'esbuild'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'error',
  })
  return import(pathToFileURL(bundle).href)
}
