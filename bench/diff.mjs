// One rule changed on many leads: how long `pipeline diff` takes, where the time goes, and the bare floor: the new scores
// by one statement of DuckDB and the join of both, by hand. The leads are those of the sample, multiplied in the build
// file and the publication, so that nothing but the scores has to be built again.
// node bench/diff.mjs [leads] [repetitions]
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const wanted = Number(process.argv[2] ?? 100_000)
const repetitions = Number(process.argv[3] ?? 1)
const project = mkdtempSync(join(tmpdir(), 'lead-engine-bench-'))

const FILES = ['pipeline.yaml', 'models', 'seeds', 'ingest', 'scoring', 'outreach', 'sync']
for (const name of FILES) {
  mkdirSync(dirname(join(project, name)), { recursive: true })
  cpSync(join(root, name), join(project, name), { recursive: true, filter: (path) => !path.endsWith('.ts') })
}

function pipeline(...args) {
  const clock = performance.now()
  const command = [process.execPath, join(root, 'bin', 'pipeline.mjs'), ...args]
  const shell = ['-c', '"$@"; code=$?; times >&2; exit $code', 'sh', ...command]
  const done = spawnSync('sh', shell, { cwd: project, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (done.status !== 0) throw new Error(`${args.join(' ')}: exit ${done.status}\n${done.stderr}`)
  const spent = done.stderr.trim().split('\n').at(-1)
  const cpu = [...spent.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + 60 * Number(m) + Number(s), 0)
  return { stdout: done.stdout, seconds: (performance.now() - clock) / 1000, cpu }
}

async function sql(file, statements) {
  const instance = await DuckDBInstance.create(file, { threads: '2' })
  const connection = await instance.connect()
  try {
    const rows = []
    for (const statement of statements) rows.push((await connection.runAndReadAll(statement)).getRowObjectsJson())
    return rows
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** Every lead, company and contact so many times over, under ids of their own. */
async function multiply(file, copies, isPublished) {
  const places = isPublished
    ? "schema_name = 'marts'"
    : "schema_name in ('marts', 'scoring') or table_name = 'int_lead_facts'"
  const [tables] = await sql(file, [
    `select schema_name as schema, table_name as name from duckdb_tables() t where (${places}) and table_name in
       ('int_lead_facts', 'lead_scores', 'fct_scored_leads', 'fct_score_reasons', 'fct_enriched_leads', 'dim_companies', 'dim_contacts')`,
  ])
  for (const { schema, name } of tables) {
    const [columns] = await sql(file, [
      `select column_name as name from duckdb_columns() where schema_name = '${schema}' and table_name = '${name}'`,
    ])
    const ids = ['lead_id', 'company_id', 'contact_id', 'email', 'domain', 'linkedin_url']
    const own = columns.flatMap(({ name: column }) =>
      ids.includes(column) ? [`${column} || '.' || copy as ${column}`] : [],
    )
    await sql(file, [
      `create or replace table ${schema}."${name}" as select rows.* replace (${own.join(', ')}) from ${schema}."${name}" as rows, range(${copies}) as copies (copy)`,
    ])
  }
  await sql(file, ['checkpoint'])
}

try {
  pipeline('run', '--quiet', '--set', 'discovery.providers.mock.companies=300')
  const build = join(project, 'data/.build/warehouse.duckdb')
  const published = realpathSync(join(project, 'data/warehouse.duckdb'))
  const [[{ n: leads }]] = await sql(build, ['select count(*)::int as n from marts.fct_scored_leads'])
  const copies = Math.max(1, Math.round(wanted / leads))
  await multiply(build, copies, false)
  chmodSync(published, 0o644)
  await multiply(published, copies, true)
  chmodSync(published, 0o444)

  const card = join(project, 'scoring/scores/fit.yml')
  const text = readFileSync(card, 'utf8')
  const changed = text.replace(/(rule: target_industry\n\s+points: )10/, '$120')
  if (changed === text) throw new Error('the card has another shape')
  writeFileSync(card, changed)

  const total = leads * copies
  if (process.env.KEEP) console.log(project)
  console.log(
    `${total} leads; build file ${(statSync(build).size / 2 ** 20).toFixed(0)} MB, publication ${(statSync(published).size / 2 ** 20).toFixed(0)} MB`,
  )
  const set = ['--set', 'discovery.providers.mock.companies=300', '--threads', '2', '--limit', '20', '--output', 'json']
  for (let round = 0; round < repetitions; round++) {
    const { stdout, seconds, cpu } = pipeline('diff', ...set)
    const { timing, cpu: used, figures, rebuilt } = JSON.parse(stdout)
    console.log(
      `pipeline diff: ${seconds.toFixed(1)} s (${cpu.toFixed(1)} s of CPU, load ${loadavg()[0].toFixed(1)}) · ${figures.tier_changes.value} leads change tier, ${figures.score_changes.value} score`,
    )
    console.log(
      `  ${Object.entries(timing)
        .map(([phase, s]) => `${phase} ${s} s (${used[phase]} s of CPU)`)
        .join(' · ')}`,
    )
    console.log(`  rebuilt: ${rebuilt.join(', ')}`)
  }

  // The floor: the same leads' new scores are there after a run; here only what any comparison must read and join.
  const clock = performance.now()
  await sql(':memory:', [
    `attach '${build}' as a (read_only)`,
    `attach '${published}' as b (read_only)`,
    `select count(*) filter (where x.tier is distinct from y.tier or x.score is distinct from y.score)::int as n
     from a.marts.fct_scored_leads as x full join b.marts.fct_scored_leads as y on x.lead_id = y.lead_id`,
  ])
  console.log(
    `floor, by hand: two tables of scores joined on lead_id: ${((performance.now() - clock) / 1000).toFixed(1)} s`,
  )
} finally {
  if (existsSync(project) && !process.env.KEEP) rmSync(project, { recursive: true, force: true })
}
