// `pipeline pause` from another shell while 500 messages go to a slow server, `resume`, and 1,000 opt-outs that arrive between
// plan and send, while others are sent. The judge is what the mail server took over, never our tables.
// node bench/held.mjs [messages] [opt-outs] [seed]
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [messages = '500', optOuts = '1000', seed] = process.argv.slice(2)
const env = {
  ...process.env,
  LONG: '1',
  HELD_MESSAGES: messages,
  HELD_OPT_OUTS: optOuts,
  ...(seed && { HELD_SEED: seed }),
}
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const done = spawnSync(process.execPath, [vitest, 'run', 'test/e2e/held.long.test.ts'], {
  cwd: root,
  env,
  stdio: 'inherit',
})
process.exitCode = done.status ?? 1
