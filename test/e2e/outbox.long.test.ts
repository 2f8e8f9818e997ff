import { rmSync } from 'node:fs'
import { expect, it } from 'vitest'
import { pipeline } from '../helpers/cli.ts'
import { mailServers, noMailServers } from '../helpers/mail-servers.ts'
import { outreachProject } from '../helpers/outreach-project.ts'
import { smtpProxy } from '../helpers/smtp-proxy.ts'

// Real Postfix and Dovecot behind a proxy that breaks; `pipeline send` is killed (-9) at random moments until all is sent.
// The judge reads the mailboxes. The long form: node bench/outbox.mjs.

const { OUTBOX_KILLS = '3', OUTBOX_MESSAGES = '15', OUTBOX_SEED } = process.env
const [kills, messages] = [Number(OUTBOX_KILLS), Number(OUTBOX_MESSAGES)]
const seed = OUTBOX_SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(OUTBOX_SEED)
const lacks = noMailServers()
const LONGEST = messages * 20_000

function diceOf(from: number): () => number {
  let state = from >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

it.skipIf(lacks !== undefined)(
  `${messages} messages, ${kills} kills, a mail server that breaks: none twice, none lost${lacks === undefined ? '' : ` (${lacks})`}`,
  { timeout: LONGEST },
  async () => {
    const dice = diceOf(seed)
    const servers = await mailServers()
    const proxy = await smtpProxy(servers.smtp.port, dice, 0.25)
    const project = await outreachProject({ messages, smtp_port: proxy.port, imap_port: servers.imap.port })
    try {
      let killed = 0
      for (let round = 0; round < kills * 5 + 100; round++) {
        const done = await pipeline(project.root, ['send', '--quiet'], {
          onStart(child) {
            if (killed >= kills) return proxy.watch(() => {})
            // Somewhere among the next messages, at any moment of one; and where none is left, all the same.
            let [before, moment] = [Math.floor(dice() * Math.min(16, messages / 3)), dice() * 60]
            const kill = () => child.kill('SIGKILL')
            proxy.watch(() => before-- === 0 && setTimeout(kill, moment))
            setTimeout(kill, 20_000 * dice()).unref()
          },
        })
        if (done.signal === 'SIGKILL') killed += 1
        else expect([0, 3], done.stderr).toContain(done.code)
        process.stderr.write(`call ${round + 1}: ${done.signal ?? done.code}\n`)
        // Time passes: what a server put off is due again, and the archive has settled.
        await project.forward()
        if (killed >= kills && (await project.open()) === 0) break
      }
      await servers.settled()
      const ids = servers.inbox('everybody@acme.test').map((text) => /^message-id:\s*(\S+)/im.exec(text)![1]!)
      const delivered = new Set(ids)
      const doubt = await project.inDoubt()
      const missing = (await project.events(`status <> 'skipped'`)).filter(
        ({ message_id, event_id }) => !delivered.has(message_id ?? event_id) && !doubt.includes(message_id ?? ''),
      )
      const figures = {
        seed,
        messages,
        delivered: delivered.size,
        twice: ids.length - delivered.size,
        lost: missing.length,
        in_doubt: doubt.length,
        killed,
        ...proxy.faults,
      }
      process.stderr.write(`${JSON.stringify(figures)}\n`)
      expect(figures).toMatchObject({ delivered: messages, twice: 0, lost: 0, in_doubt: 0, killed: kills })
    } finally {
      proxy.close()
      servers.stop()
      rmSync(project.root, { recursive: true, force: true })
    }
  },
)
