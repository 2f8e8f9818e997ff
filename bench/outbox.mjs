// 2,000 messages to real Postfix and Dovecot behind a proxy that breaks a quarter of the connections, `pipeline send` killed
// (-9) at random moments: none arrives twice, none is lost. The judge reads the mailboxes, never our tables.
// node bench/outbox.mjs [kills] [messages] [seed]
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [kills = '100', messages = '2000', seed] = process.argv.slice(2)
const env = {
  ...process.env,
  LONG: '1',
  OUTBOX_KILLS: kills,
  OUTBOX_MESSAGES: messages,
  ...(seed && { OUTBOX_SEED: seed }),
}
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const done = spawnSync(process.execPath, [vitest, 'run', 'test/e2e/outbox.long.test.ts'], {
  cwd: root,
  env,
  stdio: 'inherit',
})
process.exitCode = done.status ?? 1
