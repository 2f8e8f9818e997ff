// What the engine adds to each model: a run of 100 trivial models beside the same statements issued by hand.
// node bench/overhead.mjs [models] [rounds]
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const models = Number(process.argv[2] ?? 100)
const rounds = Number(process.argv[3] ?? 5)
const folder = mkdtempSync(join(tmpdir(), 'lead-engine-bench-'))
const bin = join(root, 'bin', 'pipeline.mjs')
const name = (index) => `model_${String(index).padStart(5, '0')}`
const statement = (index) => (index === 0 ? 'select 1 as n' : `select n + 1 as n from staging.${name(index - 1)}`)

mkdirSync(join(folder, 'models', 'staging'), { recursive: true })
writeFileSync(
  join(folder, 'pipeline.yaml'),
  `name: bench
target: dev
targets:
  dev: { warehouse: data/warehouse.duckdb, ledger: data/ledger.duckdb, exports: data/exports, threads: 2 }
models:
  staging: { materialized: table }
`,
)
for (let index = 0; index < models; index++) {
  const sql = index === 0 ? statement(0) : `select n + 1 as n from {{ ref('${name(index - 1)}') }}`
  writeFileSync(join(folder, 'models', 'staging', `${name(index)}.sql`), `${sql}\n`)
}

const figures = { hand: [], engine: [] }
for (let round = 0; round < rounds; round++) {
  figures.hand.push(await byHand())
  figures.engine.push(byEngine())
}
const [hand, engine] = [median(figures.hand), median(figures.engine)]
console.log(`${models} trivial models, each a table built from the one before; median of ${rounds} rounds`)
console.log(`by hand, one committed statement each   ${(hand / models).toFixed(2).padStart(6)} ms per model`)
console.log(`pipeline run                            ${(engine / models).toFixed(2).padStart(6)} ms per model`)
console.log(
  `the engine adds                         ${((engine - hand) / models).toFixed(2).padStart(6)} ms per model (goal: at most 5)`,
)

async function byHand() {
  const file = join(folder, 'hand.duckdb')
  rmSync(file, { force: true })
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
  const connection = await instance.connect()
  await connection.run(`attach '${file}' as hand; use hand; create schema staging`)
  const start = performance.now()
  for (let index = 0; index < models; index++)
    await connection.run(`create or replace table staging.${name(index)} as ${statement(index)}`)
  const took = performance.now() - start
  connection.closeSync()
  instance.closeSync()
  return took
}

// Start and publication are apart: the time of the nodes themselves, as run_results.json has it, from first to last.
function byEngine() {
  rmSync(join(folder, 'data'), { recursive: true, force: true })
  const { status, stderr } = spawnSync(process.execPath, [bin, 'run', '--quiet'], { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  const { results } = JSON.parse(readFileSync(join(folder, 'target', 'run_results.json'), 'utf8'))
  const times = results.map(({ timing }) => [Date.parse(timing[1].started_at), Date.parse(timing[1].completed_at)])
  return Math.max(...times.map(([, end]) => end)) - Math.min(...times.map(([start]) => start))
}

function median(list) {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
}
