import { rmSync } from 'node:fs'
import { expect, it } from 'vitest'
import { pipeline } from '../helpers/cli.ts'
import { outreachProject } from '../helpers/outreach-project.ts'
import { faultySmtp } from '../helpers/smtp-faults.ts'

// So many approved messages wait, and a mailbox may send few of them: `plan` says when each leaves, `send` sends what it may. For
// node bench/queue.mjs: too slow to be run each time.

const { QUEUE_MESSAGES } = process.env
const messages = Number(QUEUE_MESSAGES)
const PER_DAY = 50

it.skipIf(QUEUE_MESSAGES === undefined)(
  `${QUEUE_MESSAGES} messages queue for a mailbox that sends ${PER_DAY} a day`,
  { timeout: 1_800_000 },
  async () => {
    const server = await faultySmtp()
    const project = await outreachProject({ messages, smtp_port: server.port, per_day: PER_DAY })
    const timed = async (args: readonly string[]) => {
      const start = performance.now()
      const done = await pipeline(project.root, args)
      expect(done.code, done.stderr).toBe(0)
      return { s: Number(((performance.now() - start) / 1000).toFixed(1)), stdout: done.stdout }
    }
    try {
      const send = await timed(['send', '--quiet'])
      const again = await timed(['send', '--quiet'])
      const plan = await timed(['plan', '--stage', 'outreach', '--output', 'json'])
      const { parts } = JSON.parse(plan.stdout) as {
        parts: { name: string; figures: Record<string, number> }[]
      }
      const { leaving, staying } = parts.find(({ name }) => name === 'messages')!.figures
      process.stderr.write(
        `${JSON.stringify({ messages, sent: server.accepted.length, leaving, staying, send_s: send.s, again_s: again.s, plan_s: plan.s })}\n`,
      )
      expect(server.accepted).toHaveLength(PER_DAY)
      // Nothing more today, then its cap on each of 27 days; all others are told.
      expect(leaving).toBe(Math.min(27 * PER_DAY, messages - PER_DAY))
      expect(staying).toBe(messages - PER_DAY - leaving!)
    } finally {
      await server.close()
      rmSync(project.root, { recursive: true, force: true })
    }
  },
)
