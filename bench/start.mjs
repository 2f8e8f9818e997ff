// Time from process start to the first SQL statement, beside a bare Node script that opens DuckDB and runs one.
// node bench/start.mjs [repetitions]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const repetitions = Number(process.argv[2] ?? 15)
const folder = mkdtempSync(join(tmpdir(), 'lead-engine-bench-'))
const config = `name: bench
target: dev
targets:
  dev: { warehouse: data/warehouse.duckdb, ledger: data/ledger.duckdb, exports: data/exports, threads: 2 }
`
writeFileSync(join(folder, 'pipeline.yaml'), config)
const bare = `import { DuckDBInstance } from '@duckdb/node-api'
const connection = await (await DuckDBInstance.create(':memory:')).connect()
await connection.run('select 1')`
writeFileSync(join(root, 'node_modules', '.bench-bare.mjs'), bare)

const measured = {
  'bare node': ['-e', '0'],
  'bare node + DuckDB, select 1': [join(root, 'node_modules', '.bench-bare.mjs')],
  'pipeline --version': [join(root, 'bin', 'pipeline.mjs'), '--version'],
  'pipeline show --inline "select 1" (empty project)': [
    join(root, 'bin', 'pipeline.mjs'),
    'show',
    '--inline',
    'select 1',
    '--quiet',
    '--project-dir',
    folder,
  ],
  'pipeline show --inline "select 1" (this project)': [
    join(root, 'bin', 'pipeline.mjs'),
    'show',
    '--inline',
    'select 1',
    '--quiet',
    '--project-dir',
    root,
  ],
}
spawnSync(process.execPath, [join(root, 'bin', 'pipeline.mjs'), 'run', '--quiet', '--project-dir', folder])
spawnSync(process.execPath, [join(root, 'bin', 'pipeline.mjs'), 'run', '--quiet', '--project-dir', root])
const times = Object.fromEntries(Object.keys(measured).map((name) => [name, []]))
for (let round = 0; round < repetitions; round++) {
  for (const [name, args] of Object.entries(measured)) {
    const start = performance.now()
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: root })
    if (status !== 0) throw new Error(`${name}: ${stderr}`)
    times[name].push(performance.now() - start)
  }
}
const floor = median(times['bare node + DuckDB, select 1'])
for (const [name, list] of Object.entries(times)) {
  const value = median(list)
  console.log(
    `${name.padEnd(52)} ${value.toFixed(0).padStart(5)} ms   ${(value - floor).toFixed(0).padStart(5)} ms over DuckDB's floor`,
  )
}

function median(list) {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
}
