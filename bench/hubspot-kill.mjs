// Whole runs against HubSpot's stand-in, killed (-9) at random moments while its answers are faulty, end where an undisturbed run
// ends. node bench/hubspot-kill.mjs [kills] [companies] [seed]
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [kills = '40', companies = '300', seed] = process.argv.slice(2)
const env = {
  ...process.env,
  LONG: '1',
  HUBSPOT_KILLS: kills,
  HUBSPOT_COMPANIES: companies,
  ...(seed && { HUBSPOT_SEED: seed }),
}
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const done = spawnSync(process.execPath, [vitest, 'run', 'test/e2e/hubspot.long.test.ts', '-t', 'kills'], {
  cwd: root,
  env,
  stdio: 'inherit',
})
process.exitCode = done.status ?? 1
