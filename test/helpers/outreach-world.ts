import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OutreachEvent } from '../../outreach/events.ts'
import { settings, steps } from '../../outreach/run.ts'
import type { Problem } from '../../pipeline/errors.ts'
import { readTaken, takeIn, watchIncoming, writeIncoming } from '../../pipeline/incoming.ts'
import { createMail } from '../../pipeline/mail.ts'
import { pausesOf } from '../../pipeline/pauses.ts'
import type { Outward } from '../../pipeline/step.ts'
import { parseYaml } from '../../pipeline/yaml.ts'
import { fillMarts, type LeadFacts } from './marts.ts'
import { type TestWorld, world } from './world.ts'

const LEDGER_ID = 'led-test'

/** Leads in memory and the outreach steps over them, as runs do them one after the other; mail goes where `channels` says. */
export async function outreachWorld(options: {
  channels: string
  leads: readonly LeadFacts[]
  sequence?: string
  live?: Outward[]
  /** How many intents are written at once: 20 where the ledger lives elsewhere. */
  together?: number
}) {
  const controller = new AbortController()
  let now = new Date('2026-11-23T15:00:00Z')
  const mail = createMail({
    http: () => ({ send: () => Promise.reject(new Error('no HTTP here')) }),
    now: () => now,
    signal: controller.signal,
  })
  let made!: TestWorld
  const waitingFolder = () => watchIncoming(made.world.paths.data)
  made = await world({
    as_of: '2026-11-23',
    live: options.live ?? ['send'],
    root: process.cwd(),
    acts: {
      mail,
      ledger_id: LEDGER_ID,
      taken: (...kinds) => readTaken(made.connection, kinds),
      intents: { secure: async () => {}, together: options.together ?? 1, lease_ms: 0 },
    },
  })
  made.world.now = () => now
  made.world.signal = controller.signal
  await fillMarts(made, options.leads)
  const problems: Problem[] = []
  const text = `outreach:\n  channels: ${options.channels}\n  sequences: [${options.sequence ?? 'first_touch'}]\n`
  const config = parseYaml('pipeline.yaml', text, problems)!
  const room = await steps({
    root: process.cwd(),
    settings: settings.parse((config.data as { outreach: unknown }).outreach),
    config,
    problems,
  })
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  const run = async (name: string) => {
    const step = room.steps.find((one) => one.name === `outreach_${name}`)!
    return step.run(
      await made.context(
        step,
        room.tables.filter((table) => step.records?.includes(table) !== true),
      ),
    )
  }
  const say = (kind: string, body: Record<string, unknown>) =>
    writeIncoming(made.world.paths.data, { id: `${kind}-${randomUUID()}`, kind, at: now.toISOString(), body })
  const events = (where = 'true') =>
    made.connection.rows<OutreachEvent>(
      `select * exclude (_fetched_at, _run_id, _load) from raw.outreach__events where ${where} order by lead_id, sequence_step`,
    )
  return {
    connection: made.connection,
    data: made.world.paths.data,
    settings: room,
    run,
    say,
    events,
    abort: () => controller.abort(),
    /** Lets so many hours pass. */
    later(hours: number) {
      now = new Date(now.getTime() + hours * 3_600_000)
    },
    /** What a new run does before its steps: takes in what waits, and looks at the folder anew. */
    async begin() {
      const { world: own, connection } = made
      await takeIn(own.paths.data, connection, own.recorder, own.run_id)
      const waiting = waitingFolder()
      own.acts = { ...own.acts!, waiting, pauses: pausesOf(await readTaken(connection, ['pause', 'resume']), waiting) }
    },
    /** Decides, plans, sends: an outreach stage. */
    async stage() {
      await this.begin()
      await run('decide')
      await run('plan')
      return run('send')
    },
    /** `pipeline send`. */
    async send() {
      await this.begin()
      await run('decide')
      return run('send')
    },
    async approve(where = 'true') {
      const open = await events(`status = 'planned' and ${where}`)
      const messages = open.map(({ event_id, content_hash }) => ({ event_id, content_hash }))
      say('approve', { by: 'boss', messages })
      return open.length
    },
    incoming: () =>
      readdirSync(join(made.world.paths.data, 'incoming')).map(
        (file) =>
          JSON.parse(readFileSync(join(made.world.paths.data, 'incoming', file), 'utf8')) as {
            kind: string
            body: Record<string, unknown>
          },
      ),
    close: () => made.close(),
  }
}

export type OutreachWorld = Awaited<ReturnType<typeof outreachWorld>>
