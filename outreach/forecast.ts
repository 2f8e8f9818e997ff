import type { PlanPart, PlanWorld } from '../pipeline/plan-part.ts'
import type { Desk } from './desk.ts'
import { AUDIENCE_MARTS, dueLeads } from './due.ts'
import { planLead } from './plan.ts'
import { SendPlan } from './send-plan.ts'

/** What `pipeline plan` says of messages: those that would be drawn up now, and those that stand. Records nothing. */
export function messagePlan(desk: Omit<Desk, 'as_of'>): PlanPart {
  return {
    name: 'messages',
    title: 'messages to send',
    reads: [
      ...AUDIENCE_MARTS.map((mart) => `marts.${mart}`),
      'raw.outreach__events',
      'seeds.role_mailboxes',
      'ops.shared_addresses',
      'ops.lead_holds',
    ],
    tell: (world) => tell(world, { ...desk, as_of: world.as_of }),
  }
}

async function tell({ connection, live, signal }: PlanWorld, desk: Desk) {
  const figures: Record<string, number> = { leads: 0, planned: 0, new: 0, approved: 0, skipped: 0 }
  const messages = new Map<string, number>()
  const plan = new SendPlan(desk)
  const count = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)
  for await (const cases of dueLeads(connection, desk.sequences)) {
    signal.throwIfAborted()
    for (const one of cases) {
      figures.leads! += 1
      const outcomes = planLead(one, desk)
      plan.add(
        one.lead,
        outcomes.map(({ event }) => event),
      )
      for (const { change, event } of outcomes) {
        if (event.status in figures) figures[event.status]! += 1
        if (event.status !== 'planned' && event.status !== 'approved') continue
        if (change === 'new') figures.new! += 1
        count(messages, [event.sequence, event.channel, event.sequence_step, event.status].join('\n'))
      }
    }
  }
  const { tables, leaving, staying } = await plan.tables(connection)
  Object.assign(figures, { leaving, staying })
  const sends = live.includes('send')
    ? 'what is approved and due would be sent'
    : 'none would be sent: the target is not live for it'
  const rows = [...messages].map(([key, count]) => {
    const [sequence, channel, step, status] = key.split('\n') as [string, string, string, string]
    return { sequence, channel, step: Number(step), status, messages: count }
  })
  const by = (row: (typeof rows)[number]) =>
    `${row.sequence} ${String(row.step).padStart(4)} ${row.channel} ${row.status}`
  return {
    text: `${figures.planned} wait for approval (${figures.new} new), ${figures.approved} approved, ${figures.skipped} skipped; in the next weeks ${leaving} could leave, ${staying} not; ${sends}`,
    figures,
    tables: [
      {
        name: 'by sequence',
        columns: ['sequence', 'step', 'channel', 'status', 'messages'],
        rows: rows.sort((a, b) => (by(a) < by(b) ? -1 : 1)),
      },
      ...tables,
    ],
  }
}
