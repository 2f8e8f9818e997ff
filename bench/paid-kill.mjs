// A paid enrichment of 2,000 companies is killed (-9) at random moments until it is done: no paid call is answered twice, and
// the ledger equals the journal of the vendor's server. node bench/paid-kill.mjs [kills] [companies] [seed]
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [kills = '50', companies = '2000', seed] = process.argv.slice(2)
const env = {
  ...process.env,
  LONG: '1',
  PAID_KILLS: kills,
  PAID_COMPANIES: companies,
  ...(seed && { KILL_SEED: seed }),
}
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const done = spawnSync(process.execPath, [vitest, 'run', 'test/e2e/paid-kill.long.test.ts'], {
  cwd: root,
  env,
  stdio: 'inherit',
})
process.exitCode = done.status ?? 1
