import type { Pause } from '../pipeline/pauses.ts'

export const STAGES = ['icp', 'enriched', 'qualified', 'planned', 'approved', 'sent', 'answered'] as const
export type Stage = (typeof STAGES)[number]

/** How far a lead has come on its way to a conversation, and what it waits for. */
export interface Gate {
  /** The one it stands before; null: it is through. */
  stage: Stage | null
  /** `open`: nothing keeps it; the next run, `send` or person brings it on. `waits`: until a day or a word. `closed`: somebody or something said no. */
  state: 'open' | 'waits' | 'closed'
  /** snake_case, after a colon what it is about; never personal data. */
  reasons: string[]
  passed: Stage[]
}

interface Event {
  status: string
  skip_reason: string | null
  planned_at: string | null
  next_attempt_at: string | null
  sequence: string | null
  mailbox: string | null
}

export interface Standing {
  lead: { qualification_status: unknown; contact_id: unknown; needs_data: unknown; snoozed_until: unknown }
  is_icp_match: unknown
  enriched_at: unknown
  events: readonly Event[]
  pauses: readonly Pause[]
  /** ISO date. */
  today: string
}

const LEFT = ['sent', 'delivered', 'opened', 'replied', 'bounced', 'unsubscribed', 'complained']

/** Pure: from what is published of a lead, and what is paused now. */
export function gateOf({ lead, is_icp_match, enriched_at, events, pauses, today }: Standing): Gate {
  const has = (...statuses: string[]) => events.filter(({ status }) => statuses.includes(status))
  const through: Record<Stage, boolean> = {
    icp: is_icp_match !== false,
    enriched: enriched_at !== null && enriched_at !== undefined,
    qualified: lead.qualification_status === 'qualified',
    planned: has('planned', 'approved', 'sending', 'in_doubt', ...LEFT).length > 0,
    approved: has('approved', 'sending', 'in_doubt', ...LEFT).length > 0,
    sent: has(...LEFT).length > 0,
    answered: has('replied', 'unsubscribed', 'complained').length > 0,
  }
  // Who was written to has passed what lies before it, whatever is known of them today.
  const furthest = STAGES.findLastIndex((stage, index) => index >= STAGES.indexOf('planned') && through[stage])
  const stage = STAGES.find((each, index) => index > furthest && !through[each]) ?? null
  const passed = stage === null ? [...STAGES] : STAGES.slice(0, STAGES.indexOf(stage))
  return { stage, passed, ...(stage === null ? { state: 'open', reasons: [] } : before(stage)) }

  function before(at: Stage): Pick<Gate, 'state' | 'reasons'> {
    const until = typeof lead.snoozed_until === 'string' && lead.snoozed_until > today ? lead.snoozed_until : undefined
    if (until !== undefined && at !== 'answered') return { state: 'waits', reasons: [`snoozed: ${until}`] }
    if (at === 'icp') return { state: 'closed', reasons: ['no_icp_match'] }
    if (at === 'qualified') {
      const missing = Array.isArray(lead.needs_data) ? lead.needs_data.map((name) => `needs_data: ${name}`) : []
      const status = String(lead.qualification_status)
      return { state: status === 'disqualified' ? 'closed' : 'waits', reasons: [status, ...missing] }
    }
    if (at === 'planned') {
      const said = has('skipped').map(({ skip_reason }) => skip_reason ?? 'skipped')
      const reasons = [...new Set([...(has('rejected').length > 0 ? ['rejected'] : []), ...said])]
      if (reasons.length === 0 && lead.contact_id === null) reasons.push('no_contact')
      return { state: reasons.length > 0 ? 'closed' : 'open', reasons }
    }
    const open = has('planned', 'approved', 'sending', 'in_doubt')
    if (at === 'approved') return { state: 'waits', reasons: ['needs_approval'] }
    if (at === 'sent') {
      if (has('in_doubt').length > 0) return { state: 'waits', reasons: ['in_doubt'] }
      const held = pauses.filter(
        ({ what, scope }) =>
          what === 'send' &&
          open.some(
            (event) =>
              (scope.sequence ?? event.sequence) === event.sequence &&
              (scope.mailbox ?? event.mailbox) === event.mailbox &&
              scope.account === undefined,
          ),
      )
      if (held.length > 0) return { state: 'waits', reasons: held.map(({ since }) => `send_paused: ${since}`) }
      const due = open.map((event) => event.next_attempt_at ?? event.planned_at ?? '').sort()[0] ?? ''
      return due.slice(0, 10) > today
        ? { state: 'waits', reasons: [`due: ${due.slice(0, 10)}`] }
        : { state: 'open', reasons: [] }
    }
    if (at === 'answered') {
      const bounced = has('bounced').length > 0 && has('sent', 'delivered', 'opened').length === 0
      return bounced ? { state: 'closed', reasons: ['bounced'] } : { state: 'waits', reasons: ['answer'] }
    }
    return { state: 'open', reasons: [] }
  }
}
