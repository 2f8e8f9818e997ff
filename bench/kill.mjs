// kill -9 at random points of builds with every materialization; the next run must reach the tables of an undisturbed one.
// node bench/kill.mjs [points] [seed]
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [points = '50', seed] = process.argv.slice(2)
const env = { ...process.env, LONG: '1', KILLS: points, ...(seed === undefined ? {} : { KILL_SEED: seed }) }
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const done = spawnSync(process.execPath, [vitest, 'run', 'test/e2e/kill.long.test.ts'], {
  cwd: root,
  env,
  stdio: 'inherit',
})
process.exitCode = done.status ?? 1
