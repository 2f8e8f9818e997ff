import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { writeIncoming } from '../../pipeline/incoming.ts'
import { pipeline } from '../helpers/cli.ts'
import { outreachProject } from '../helpers/outreach-project.ts'
import { faultySmtp } from '../helpers/smtp-faults.ts'

// `pipeline pause` from another shell while a slow server takes messages, `resume`, and opt-outs that arrive between plan and
// send. The judge is what the mail server took over. The long form: node bench/held.mjs.

const { HELD_MESSAGES = '40', HELD_OPT_OUTS = '40', HELD_SLOW_MS = '60', HELD_SEED } = process.env
const [messages, optOuts] = [Number(HELD_MESSAGES), Number(HELD_OPT_OUTS)]
const seed = HELD_SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(HELD_SEED)

function diceOf(from: number): () => number {
  let state = from >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

it(`${messages} messages held by a pause, ${optOuts} by opt-outs: the others leave, once each`, {
  timeout: 60_000 + (messages + optOuts) * 1_000,
}, async () => {
  const dice = diceOf(seed)
  const server = await faultySmtp()
  const project = await outreachProject({ messages: messages + optOuts, smtp_port: server.port })
  const data = join(project.root, 'data')
  const taken = () => server.accepted.map(({ to }) => to[0]!)
  const send = async () => {
    const done = await pipeline(project.root, ['send', '--quiet'])
    expect(done.code, done.stderr).toBe(0)
  }
  try {
    server.slow(Number(HELD_SLOW_MS))
    // Held by a pause from another shell.
    const enough = Math.ceil(messages / 8)
    let reached = () => {}
    const under_way = new Promise<void>((done) => {
      reached = done
    })
    server.play((n) => {
      if (n === enough) reached()
      return 'none'
    })
    const sending = send()
    await under_way
    const paused = await pipeline(project.root, ['pause', 'send', '--quiet'])
    expect(paused.code, paused.stderr).toBe(0)
    const at_pause = server.connections()
    const since = Date.now()
    await sending
    const ended_ms = Date.now() - since
    const after_pause = server.connections() - at_pause
    const before_resume = taken().length
    await send()
    const while_paused = taken().length - before_resume

    // Opt-outs, each in another way: all along the way to the server, but for whom the server is just hearing of.
    await pipeline(project.root, ['resume', 'send', '--quiet'])
    const events = await project.events(`status <> 'skipped'`)
    const left = events.filter(({ address }) => !taken().includes(address!)).slice(-optOuts)
    const gone = new Map<string, number>()
    const optOut = (many: number) => {
      for (const { address, contact_id, event_id } of left.splice(0, many)) {
        if (taken().includes(address!)) continue
        gone.set(address!, server.connections())
        const [name, domain] = address!.split('@') as [string, string]
        const ways: [string, string][] = [
          ['email', address!],
          ['email', `${name.toUpperCase()}+news@${domain}`],
          ['email', ` ${address} `],
          ['domain', domain],
          ['contact_id', contact_id!],
        ]
        const [by, value] = ways[Math.floor(dice() * ways.length)]!
        const at = new Date().toISOString()
        writeIncoming(data, { id: `opt-out-${event_id}`, kind: 'suppress', at, body: { action: 'add', by, value } })
      }
    }
    server.slow(0)
    server.play(() => {
      optOut(Math.floor(dice() * 4))
      return 'none'
    })
    optOut(Math.ceil(optOuts / 2))
    await send()
    await send()

    const twice = taken().length - new Set(taken()).size
    // Whose connection was open before the opt-out was there could not be called back.
    const sent_after = [...gone].filter(([address, connections]) => {
      const place = taken().indexOf(address, before_resume)
      return place >= 0 && place - before_resume >= connections
    })
    const owed = events.filter(({ address }) => !gone.has(address!))
    const lost = owed.filter(({ address }) => !taken().includes(address!))
    const figures = {
      seed,
      messages,
      taken_before_pause: at_pause,
      begun_after_pause: after_pause,
      ended_ms,
      while_paused,
      opt_outs: gone.size,
      sent_after_opt_out: sent_after.length,
      twice,
      lost: lost.length,
    }
    process.stderr.write(`${JSON.stringify(figures)}\n`)
    expect(figures).toMatchObject({
      begun_after_pause: 0,
      while_paused: 0,
      opt_outs: optOuts,
      sent_after_opt_out: 0,
      twice: 0,
      lost: 0,
    })
    expect(before_resume).toBeLessThan(messages)
  } finally {
    await server.close()
    rmSync(project.root, { recursive: true, force: true })
  }
})
