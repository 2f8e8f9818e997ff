import { createHash } from 'node:crypto'
import { z } from 'zod'
import { pluginNames } from '../pipeline/code-root.ts'
import { createMail } from '../pipeline/mail.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import type { Check, CheckWorld, Room, RoomInput } from '../pipeline/room.ts'
import type { StepContext, StepSummary } from '../pipeline/step.ts'
import { validate } from '../pipeline/yaml.ts'
import { takeDecisions } from './decide.ts'
import { DECISIONS } from './decisions.ts'
import type { Desk, Switched } from './desk.ts'
import { AUDIENCE_MARTS, dueLeads } from './due.ts'
import { EVENTS, type OutreachEvent } from './events.ts'
import { messagePlan } from './forecast.ts'
import { loadChannel } from './load-channel.ts'
import { movedMessages } from './moved-messages.ts'
import { planLead } from './plan.ts'
import { REPLIES, takeReplies } from './replies/take.ts'
import { sendDue } from './send.ts'
import { readSequence, type Sequence, unknownSequence } from './sequence.ts'

export const settings = z
  .strictObject({
    /** Every message waits for a person's approval. */
    approval: z.literal('required').default('required'),
    /** Channel → its settings; each is checked against the channel's own schema. */
    channels: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
    sequences: z.array(z.string()).default([]),
  })
  .prefault({})

type Settings = z.output<typeof settings>

/** Plans what is to be said to whom. Sends nothing. */
export const steps: Room<Settings> = async (input) => {
  const channels = await switchedOn(input)
  const sequences = readSequences(input, channels)
  const text = JSON.stringify([input.settings, sequences])
  return {
    tables: [EVENTS, DECISIONS, REPLIES],
    checks: input.problems.length > 0 ? [] : checksOf(channels),
    plans: [messagePlan({ channels, sequences })],
    diffs: [movedMessages({ channels, sequences })],
    steps: [
      {
        name: 'outreach_hear',
        kind: 'step',
        stage: 'outreach',
        file: 'outreach/replies/take.ts',
        description: 'Takes what came back (replies, bounces, complaints, opt-outs) into the messages it is about.',
        reads: ['outreach.events', 'free_mail_domains'],
        records: [EVENTS, REPLIES],
        outward: 'send',
        fingerprint: null,
        run: takeReplies,
      },
      {
        name: 'outreach_decide',
        kind: 'step',
        stage: 'outreach',
        file: 'outreach/decide.ts',
        description: 'Takes what people decided (approved, edited, refused, did) into the messages it is about.',
        reads: ['outreach.events', 'outreach.replies'],
        records: [EVENTS, DECISIONS],
        outward: 'send',
        fingerprint: null,
        async run(context) {
          const counts = await takeDecisions(context, { channels, sequences, as_of: context.as_of })
          const { decided, void: nothing, expired } = counts as { decided: number; void: number; expired: number }
          const text = `${decided} decisions of people, ${nothing} void, ${expired} tasks past`
          return { rows: decided, text, counts }
        },
      },
      {
        name: 'outreach_plan',
        kind: 'step',
        stage: 'outreach',
        file: 'outreach/run.ts',
        description:
          'Draws up the messages and tasks of every sequence as planned events, and says why one will not go out.',
        reads: [
          ...AUDIENCE_MARTS,
          'role_mailboxes',
          'shared_addresses',
          'lead_holds',
          'outreach.events',
          'outreach.decisions',
        ],
        records: [EVENTS],
        outward: 'send',
        fingerprint: createHash('sha256').update(text).digest('hex'),
        async bind(connection) {
          for await (const cases of dueLeads(connection, sequences)) if (cases.length > 0) return
        },
        run: (context) => plan(context, { channels, sequences, as_of: context.as_of }),
      },
      {
        name: 'outreach_send',
        kind: 'step',
        stage: 'outreach',
        file: 'outreach/send.ts',
        description:
          'Finds out what became of messages that broke off, and sends what is approved and due, each at most once.',
        reads: [
          ...AUDIENCE_MARTS,
          'role_mailboxes',
          'shared_addresses',
          'lead_holds',
          'int_suppressions_combined',
          'acts',
          'outreach.events',
          'outreach.decisions',
        ],
        records: [EVENTS],
        outward: 'send',
        fingerprint: null,
        run: (context) => sendDue(context, { channels, sequences, as_of: context.as_of }),
      },
    ],
  }
}

async function plan(context: StepContext, desk: Desk): Promise<StepSummary> {
  const counts: Record<string, number> = { planned: 0, skipped: 0, new: 0, changed: 0, unchanged: 0 }
  const count = (key: string) => {
    counts[key] = (counts[key] ?? 0) + 1
  }
  let leads = 0
  async function* changes(): AsyncGenerator<OutreachEvent[]> {
    for await (const cases of dueLeads(context.connection, desk.sequences)) {
      context.signal.throwIfAborted()
      const outcomes = cases.flatMap((one) => planLead(one, desk))
      for (const { change, event } of outcomes) {
        count(change)
        count(event.status)
        if (event.status === 'planned') count(`planned_${event.channel}`)
      }
      leads += cases.length
      context.progress('leads planned', leads)
      yield outcomes.filter(({ change }) => change !== 'unchanged').map(({ event }) => event)
    }
  }
  await context.record(EVENTS, changes())
  const by = [...desk.channels.keys()].map((name) => `${counts[`planned_${name}`] ?? 0} ${name}`).join(', ')
  const text = `${counts.planned} messages planned (${by}), ${counts.skipped} skipped, ${counts.new! + counts.changed!} new or changed; none sent`
  return { rows: counts.new! + counts.changed! + counts.unchanged!, text, counts }
}

/** Every channel's own, with mail at hand. */
function checksOf(channels: Desk['channels']): Check[] {
  return [...channels.values()].flatMap(({ channel, settings }) =>
    (channel.checks?.(settings) ?? []).map(({ name, run }) => ({
      name,
      run: (world: CheckWorld) => run({ ...world, mail: createMail(world) }),
    })),
  )
}

async function switchedOn(input: RoomInput<Settings>): Promise<Desk['channels']> {
  const channels: [string, Switched][] = []
  for (const name of Object.keys(input.settings.channels)) {
    const path = ['outreach', 'channels', name]
    const channel = await loadChannel(name)
    if (channel === undefined) {
      input.problems.push({
        file: input.config.file,
        line: input.config.lineOf(path),
        message: `there is no channel '${name}'`,
        hint: didYouMean(name, pluginNames('outreach', 'channels')) ?? 'Each file in outreach/channels/ is one.',
      })
      continue
    }
    const own = validate(channel.settings, input.config, input.problems, path)
    channels.push([
      name,
      { channel, settings: own ?? {}, senders: own === undefined ? [] : (channel.senders?.(own) ?? []) },
    ])
  }
  return new Map(channels)
}

function readSequences(input: RoomInput<Settings>, channels: Desk['channels']): Sequence[] {
  const { root, config, problems } = input
  const byName = new Map([...channels].map(([name, { channel }]) => [name, channel]))
  return input.settings.sequences.flatMap((name, index) => {
    const unknown = unknownSequence(root, name, config, index)
    if (unknown !== undefined) problems.push(unknown)
    const sequence = unknown === undefined ? readSequence(root, name, byName, problems) : undefined
    return sequence ?? []
  })
}
