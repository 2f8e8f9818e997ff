// The same generated project under dbt 1.x with dbt-duckdb and under `pipeline`, one after the other in the same run.
// node bench/dbt.mjs [models] [rounds]
// dbt is installed into a throw-away environment, with the DuckDB that we have; DBT=/path/to/dbt takes one that is there.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const models = Number(process.argv[2] ?? 300)
const rounds = Number(process.argv[3] ?? 3)
const folder = mkdtempSync(join(tmpdir(), 'lead-engine-bench-'))
const bin = join(root, 'bin', 'pipeline.mjs')
const duckdb = createRequire(join(root, 'package.json'))('@duckdb/node-api/package.json').version.split('-')[0]
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

const dbt = process.env.DBT ?? install()
if (dbt === undefined) {
  console.log('dbt cannot be installed here (Python 3 with venv and PyPI are needed): skipped')
  process.exit(0)
}
const versions = run(dbt, ['--version'], folder, { may_fail: true }).text
const versionOf = (name) => new RegExp(`${name}: *(\\S+)`).exec(versions)?.[1] ?? 'of an unknown version'
const theirs = join(folder, 'dbt')
const ours = join(folder, 'pipeline')
writeProject(theirs)
writeProject(ours)
writeSettings()

const none = { DBT_SEND_ANONYMOUS_USAGE_STATS: 'false', DO_NOT_TRACK: '1', DBT_PROFILES_DIR: theirs }
const asDbt = (...args) => run(dbt, ['--no-version-check', '--quiet', ...args], theirs, { env: none }).took
const asPipeline = (...args) => run(process.execPath, [bin, ...args, '--quiet'], ours).took
const python = join(dirname(dbt), 'python')
const floors = {
  dbt: existsSync(python) ? () => run(python, ['-c', 'import duckdb; duckdb.sql("select 1")'], folder).took : undefined,
  pipeline: () => run(process.execPath, ['-e', `require('@duckdb/node-api')`], root).took,
}

const measures = [
  { name: 'parse and compile, cold', args: ['compile'], forget: ['target'] },
  { name: 'ls, nothing changed', args: ['ls'], forget: [] },
  { name: 'build, from nothing', args: ['build'], forget: ['target', 'dev.duckdb', 'data'] },
  { name: 'build, nothing changed', args: ['build'], forget: [] },
]

const counted = `${models} models in three layers, three CTEs and two tests each, a seed of 1,000 rows; 2 threads`
console.log(`${counted}; median of ${rounds} rounds`)
console.log(`dbt-core ${versionOf('installed')}, dbt-duckdb ${versionOf('duckdb')}, DuckDB ${duckdb}`)
console.log(`${''.padEnd(26)}${'dbt'.padStart(10)}${'pipeline'.padStart(12)}${'ratio'.padStart(8)}  (goal: 20)`)
const floor = [floors.dbt, floors.pipeline].map((floor) => (floor === undefined ? Number.NaN : median(floor)))
console.log(`${'floor: open DuckDB'.padEnd(26)}${seconds(floor[0], 10)}${seconds(floor[1], 12)}`)
for (const { name, args, forget } of measures) {
  const fresh = (home) => forget.forEach((each) => void rmSync(join(home, each), { recursive: true, force: true }))
  const [a, b] = [
    median(
      () => asDbt(...args),
      () => fresh(theirs),
    ),
    median(
      () => asPipeline(...args),
      () => fresh(ours),
    ),
  ]
  console.log(`${name.padEnd(26)}${seconds(a, 10)}${seconds(b, 12)}${(a / b).toFixed(1).padStart(8)}`)
}

/** Wheels only: a version whose parts are built on the spot from elsewhere is passed over. */
function install() {
  const home = join(folder, 'venv')
  const python = spawnSync('python3', ['-m', 'venv', home], { encoding: 'utf8' })
  if (python.status !== 0) return undefined
  const wanted = ['dbt-core>=1,<2', 'dbt-duckdb>=1,<2', `duckdb==${duckdb}`]
  const pip = spawnSync(join(home, 'bin', 'pip'), ['install', '--quiet', '--only-binary', ':all:', ...wanted], {
    encoding: 'utf8',
    timeout: 600_000,
  })
  if (pip.status !== 0) console.error(pip.stderr)
  return pip.status === 0 ? join(home, 'bin', 'dbt') : undefined
}

function run(command, args, cwd, { env = {}, may_fail = false } = {}) {
  const start = performance.now()
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, ...env },
  })
  const took = performance.now() - start
  if (status !== 0 && !may_fail) throw error ?? new Error(`${command} ${args.join(' ')}\n${stdout}\n${stderr}`)
  return { took, text: `${stdout}${stderr}` }
}

function name(layer, index) {
  return `${['stg', 'int', 'fct'][layer]}_${String(index).padStart(4, '0')}`
}

/** Models, their tests and a seed: the same files for both. */
function writeProject(home) {
  const each = Math.ceil(models / 3)
  const layers = ['staging', 'intermediate', 'marts']
  for (const layer of layers) mkdirSync(join(home, 'models', layer), { recursive: true })
  mkdirSync(join(home, 'seeds'))
  const rows = Array.from({ length: 1000 }, (_, row) => `${row},company ${row},${(row * 37) % 1000}`)
  writeFileSync(join(home, 'seeds', 'companies.csv'), `id,name,amount\n${rows.join('\n')}\n`)
  for (let index = 0; index < models; index++) {
    const [layer, position] = [Math.floor(index / each), index % each]
    const from = layer === 0 ? 'companies' : name(layer - 1, position)
    const other = layer === 0 ? 'companies' : name(layer - 1, (position + 1) % each)
    const base = join(home, 'models', layers[layer], name(layer, position))
    writeFileSync(
      `${base}.sql`,
      `with source as (
    select id, name, amount from {{ ref('${from}') }}
),
other as (
    select id, max(amount) as most from {{ ref('${other}') }} group by id
),
joined as (
    select source.id, source.name, source.amount + other.most % ${position + 2} as amount
    from source
    join other on other.id = source.id
)
select id, name, amount from joined
`,
    )
    writeFileSync(
      `${base}.yml`,
      `version: 2
models:
  - name: ${name(layer, position)}
    columns:
      - name: id
        data_tests: [unique, not_null]
`,
    )
  }
}

function writeSettings() {
  writeFileSync(
    join(theirs, 'dbt_project.yml'),
    `name: bench
version: '1.0'
profile: bench
model-paths: [models]
seed-paths: [seeds]
models:
  bench:
    staging: { +materialized: view }
    intermediate: { +materialized: table }
    marts: { +materialized: table }
`,
  )
  writeFileSync(
    join(theirs, 'profiles.yml'),
    `bench:
  target: dev
  outputs:
    dev: { type: duckdb, path: ${join(theirs, 'dev.duckdb')}, threads: 2 }
`,
  )
  writeFileSync(
    join(ours, 'pipeline.yaml'),
    `name: bench
target: dev
targets:
  dev: { warehouse: data/warehouse.duckdb, ledger: data/ledger.duckdb, exports: data/exports, threads: 2 }
models:
  staging: { materialized: view }
  intermediate: { materialized: table }
  marts: { materialized: table }
`,
  )
}

function median(measure, before = () => {}) {
  const once = () => {
    before()
    return measure()
  }
  const list = Array.from({ length: rounds }, once).sort((a, b) => a - b)
  return list[Math.floor(list.length / 2)]
}

function seconds(ms, width) {
  return `${(ms / 1000).toFixed(2)} s`.padStart(width)
}
