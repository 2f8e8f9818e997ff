// The first run of a newcomer: nothing cached but the bundle, 300 invented companies, five stages; and the run after it.
// node bench/first-run.mjs [rounds]
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const rounds = Number(process.argv[2] ?? 3)
const folder = mkdtempSync(join(tmpdir(), 'lead-engine-bench-'))
const bin = join(root, 'bin', 'pipeline.mjs')
for (const name of [
  'pipeline.yaml',
  'models',
  'seeds',
  'analyses',
  'ingest',
  'scoring',
  'outreach',
  'sync',
  'test/data',
]) {
  if (existsSync(join(root, name)))
    cpSync(join(root, name), join(folder, name), { recursive: true, filter: (path) => !path.endsWith('.ts') })
}

const times = { first: [], again: [] }
run('--version')
for (let round = 0; round < rounds; round++) {
  for (const name of ['data', 'target']) rmSync(join(folder, name), { recursive: true, force: true })
  times.first.push(run('run', '--quiet'))
  times.again.push(run('run', '--quiet'))
}
console.log(
  `pipeline run, 300 companies, from nothing   ${median(times.first).toFixed(1).padStart(5)} s (goal: under 10)`,
)
console.log(`pipeline run, nothing changed               ${median(times.again).toFixed(1).padStart(5)} s`)

function run(...args) {
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, [bin, ...args], { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return (performance.now() - start) / 1000
}

function median(list) {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
}
