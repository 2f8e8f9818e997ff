// Binding 1,000 chained models of three CTEs each, as `pipeline check` does it, beside DuckDB's bare floor: the same
// statements by hand, one after another. Start and YAML are apart. node bench/check.mjs [models] [repetitions]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { build } from 'esbuild'

const GOAL_MS = 1500
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const models = Number(process.argv[2] ?? 1000)
const repetitions = Number(process.argv[3] ?? 5)
const folder = mkdtempSync(join(tmpdir(), 'lead-engine-bench-'))
const bundle = join(root, 'node_modules', '.cache', `bench-check.${process.pid}.mjs`)

/** A chain: every model joins the two before it, ranks and sums up. */
function model(index, relation) {
  const [one, two] = [relation(Math.max(index - 1, -1)), relation(Math.max(index - 2, -1))]
  return `with

previous as (

    select id, kind, amount, happened_at from ${one}

),

ranked as (

    select
        previous.id,
        previous.kind,
        previous.happened_at,
        previous.amount + coalesce(earlier.amount, 0) as amount,
        row_number() over (partition by previous.kind order by previous.happened_at, previous.id) as position
    from previous
    left join ${two} as earlier on earlier.id = previous.id

),

summed as (

    select kind, count(*) as rows_of_kind, sum(amount) as amount_of_kind from ranked group by kind

)

select ranked.*, summed.rows_of_kind, summed.amount_of_kind
from ranked
inner join summed on summed.kind = ranked.kind
`
}

const name = (index) => `m_${String(index).padStart(5, '0')}`
const COLUMNS = { id: 'bigint', kind: 'varchar', amount: 'double', happened_at: 'timestamp' }

mkdirSync(join(folder, 'models', 'marts'), { recursive: true })
writeFileSync(
  join(folder, 'pipeline.yaml'),
  `name: bench
target: dev
targets:
  dev: { warehouse: data/warehouse.duckdb, ledger: data/ledger.duckdb, exports: data/exports, threads: 2 }
models:
  marts: { materialized: table }
`,
)
const columns = Object.entries(COLUMNS).map(([column, data_type]) => ({ name: column, data_type }))
const sources = { version: 2, sources: [{ name: 'shop', tables: [{ name: 'base', columns }] }] }
writeFileSync(join(folder, 'models', 'sources.yml'), JSON.stringify(sources))
for (let index = 0; index < models; index++) {
  const relation = (at) => (at < 0 ? "{{ source('shop', 'base') }}" : `{{ ref('${name(at)}') }}`)
  writeFileSync(join(folder, 'models', 'marts', `${name(index)}.sql`), model(index, relation))
}

async function byHand() {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect()
  const list = Object.entries(COLUMNS).map(([column, type]) => `${column} ${type}`)
  await connection.run(`create schema shop; create schema marts; create table shop.base (${list.join(', ')})`)
  const start = performance.now()
  for (let index = 0; index < models; index++) {
    const sql = model(index, (at) => (at < 0 ? 'shop.base' : `marts.${name(at)}`))
    await connection.run(`create table marts.${name(index)} as ${sql}\nwith no data`)
  }
  return performance.now() - start
}

try {
  await build({
    stdin: {
      contents: `export { loadProject } from './pipeline/load.ts'\nexport { inspectProject } from './pipeline/check/project-check.ts'`,
      resolveDir: root,
    },
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  })
  const { loadProject, inspectProject } = await import(pathToFileURL(bundle).href)
  const project = await loadProject({
    root: folder,
    config_file: 'pipeline.yaml',
    set: [],
    vars: {},
    env: {},
    rooms: [],
  })
  const times = { check: [], floor: [] }
  for (let round = 0; round < repetitions; round++) {
    times.floor.push(await byHand())
    const start = performance.now()
    const { problems, bound } = await inspectProject(project)
    times.check.push(performance.now() - start)
    if (problems.length > 0 || bound !== models) throw new Error(JSON.stringify(problems[0] ?? { bound }))
  }
  const [check, floor] = [median(times.check), median(times.floor)]
  console.log(`DuckDB, the statements by hand     ${floor.toFixed(0).padStart(6)} ms for ${models} models`)
  console.log(
    `check: bind all, find written names ${check.toFixed(0).padStart(5)} ms, ${(check / floor).toFixed(2)}× the floor (goal ${GOAL_MS} ms for 1000)`,
  )
} finally {
  rmSync(bundle, { force: true })
  rmSync(folder, { recursive: true, force: true })
}

function median(list) {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
}
