// With nothing changed: `run` of 1,000 models of our shape (three CTEs, a YAML twin with three tests each), `ls` of
// 10,000, a cold compile of 10,000, and `--help`; beside bare Node and bare Node with DuckDB.
// node bench/nochange.mjs [repetitions]
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = join(root, 'bin', 'pipeline.mjs')
const repetitions = Number(process.argv[2] ?? 5)
const folder = mkdtempSync(join(tmpdir(), 'lead-engine-bench-'))
const duckdb = join(root, 'node_modules', '.bench-bare.mjs')
writeFileSync(
  duckdb,
  `import { DuckDBInstance } from '@duckdb/node-api'
const connection = await (await DuckDBInstance.create(':memory:')).connect()
await connection.run('select 1')`,
)

const name = (index) => `model_${String(index).padStart(5, '0')}`
const read = (index) =>
  index % 10 === 0
    ? `select ${index} as id, 'a' as name, 1.5 as amount`
    : `select * from {{ ref('${name(index - 1)}') }}`
const shaped = (index) => `with

source as (

    ${read(index)}

),

renamed as (

    select
        id,
        name,
        amount
    from source

),

final as (

    select
        id,
        name,
        amount + 1 as amount
    from renamed
    where id is not null

)

select * from final
`
const twin = (index) => `version: 2

models:
  - name: ${name(index)}
    description: The model number ${index}, one row per id.
    columns:
      - name: id
        description: Its key.
        data_tests: [unique, not_null]
      - name: name
        description: What it is called.
        data_tests: [not_null]
      - name: amount
        description: How much.
`

function project(label, models, twins) {
  const place = join(folder, label)
  for (let index = 0; index < models; index++) {
    const models_of = join(place, 'models', index % 10 === 9 ? 'marts' : 'staging', `part_${Math.floor(index / 100)}`)
    mkdirSync(models_of, { recursive: true })
    writeFileSync(join(models_of, `${name(index)}.sql`), twins ? shaped(index) : `${read(index)}\n`)
    if (twins) writeFileSync(join(models_of, `${name(index)}.yml`), twin(index))
  }
  writeFileSync(
    join(place, 'pipeline.yaml'),
    `name: bench
target: dev
targets:
  dev: { warehouse: data/warehouse.duckdb, ledger: data/ledger.duckdb, exports: data/exports, threads: 2 }
models:
  staging: { materialized: view }
`,
  )
  return place
}

const small = project('small', 1_000, true)
const refs = project('refs', 10_000, false)
const twins = project('twins', 10_000, true)
const forget = (place) => rmSync(join(place, 'target'), { recursive: true, force: true })

call([bin, 'run', '--quiet'], small)
call([bin, 'ls', '--quiet'], refs)
call([bin, 'ls', '--quiet'], twins)
const bare = measure('bare node', () => call(['-e', '0']))
const floor = measure('bare node + DuckDB, select 1', () => call([duckdb]))
const runs = measure('run, 1,000 models, nothing changed', () => call([bin, 'run', '--quiet'], small))
const warm = measure('ls, 10,000 models, refs only, nothing changed', () => call([bin, 'ls', '--quiet'], refs))
const both = measure('ls, 10,000 models with YAML twins, nothing changed', () => call([bin, 'ls', '--quiet'], twins))
const cold = measure(
  'ls, 10,000 models, refs only, cold',
  () => call([bin, 'ls', '--quiet'], refs),
  () => forget(refs),
)
const whole = measure(
  'compile, 10,000 models with twins, cold',
  () => call([bin, 'compile', '--quiet'], twins),
  () => forget(twins),
)
const help = measure('--help', () => call([bin, '--help']))
console.log('')
say('run with nothing changed over node + DuckDB', runs - floor, 1_000)
say('ls with nothing changed, refs only', warm, 1_000)
say('ls with nothing changed, YAML twins', both, 1_000)
say('cold compile, refs only', cold, 1_500)
say('cold compile with twins and artifacts', whole, 8_000)
say('--help over node', help - bare, 150)
rmSync(folder, { recursive: true, force: true })

function call(args, cwd = folder) {
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
}

function measure(label, work, before = () => {}) {
  const times = []
  for (let round = 0; round < repetitions; round++) {
    before()
    const start = performance.now()
    work()
    times.push(performance.now() - start)
  }
  const value = times.sort((a, b) => a - b)[Math.floor(times.length / 2)]
  console.log(`${label.padEnd(52)} ${value.toFixed(0).padStart(6)} ms`)
  return value
}

function say(label, value, goal) {
  console.log(`${label.padEnd(52)} ${value.toFixed(0).padStart(6)} ms (goal: at most ${goal})`)
}
