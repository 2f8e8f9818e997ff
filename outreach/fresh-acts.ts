import { z } from 'zod'
import { inOrder } from '../pipeline/incoming.ts'
import type { StepContext } from '../pipeline/step.ts'

const KINDS = ['lead_snooze', 'lead_assign', 'score_override']
const about = z.object({ lead_id: z.string(), until: z.string().nullable().optional() })

/**
 * What people said of a lead that no model knows yet: why it is not written to until a run has built with it. Asked right
 * before each message.
 */
export async function freshActs({
  acts,
  connection,
  now,
}: StepContext): Promise<(lead_id: string) => string | undefined> {
  const built = await connection.rows<{ message_id: string }>(
    `select message_id from ops.acts where kind in (${KINDS.map((kind) => `'${kind}'`).join(', ')})`,
  )
  const known = new Set(built.map(({ message_id }) => message_id))
  const taken = (await acts.taken(...KINDS)).filter(({ id }) => !known.has(id))
  let seen = -1
  let held = new Map<string, string>()
  return (lead_id) => {
    const fresh = acts.waiting.of(...KINDS)
    if (fresh.length !== seen) {
      const today = now().toISOString().slice(0, 10)
      held = new Map()
      for (const { kind, body } of inOrder([...taken, ...fresh])) {
        const said = about.safeParse(body)
        if (!said.success) continue
        const { until } = said.data
        if (kind !== 'lead_snooze') held.set(said.data.lead_id, 'decided_since')
        else if (until && until > today) held.set(said.data.lead_id, 'snoozed')
      }
    }
    seen = fresh.length
    return held.get(lead_id)
  }
}
