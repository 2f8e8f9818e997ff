// 100,000 approved messages wait for a mailbox that sends 50 a day: `pipeline send` sends those and returns, `pipeline plan` says of
// each when it leaves or why not, in 700 MB of heap. node bench/queue.mjs [messages]
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [messages = '100000'] = process.argv.slice(2)
const env = { ...process.env, LONG: '1', QUEUE_MESSAGES: messages, NODE_OPTIONS: '--max-old-space-size=700' }
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const done = spawnSync(process.execPath, [vitest, 'run', 'test/e2e/queue.long.test.ts'], {
  cwd: root,
  env,
  stdio: 'inherit',
})
process.exitCode = done.status ?? 1
