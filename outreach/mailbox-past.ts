import { readTaken } from '../pipeline/incoming.ts'
import { pauseSchema } from '../pipeline/pauses.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import { HEALTH_OF_LAST, type Health } from './moment.ts'

/** What a mailbox has sent, or may have. */
export interface MailboxPast {
  sent_today: number
  /** UTC days before today on which it sent. */
  days_before: number
  last_at: number | undefined
  last_id: string | undefined
  health: Health
}

export function nothingSent(): MailboxPast {
  const health = { sent: 0, bounced: 0, complained: 0 }
  return { sent_today: 0, days_before: 0, last_at: undefined, last_id: undefined, health }
}

/** By channel and mailbox, at this moment. Its health counts from the last `resume` of that very mailbox: somebody has looked. */
export async function mailboxPasts(connection: Connection, now: Date): Promise<Map<string, MailboxPast>> {
  const resumes = (await readTaken(connection, ['resume'])).flatMap(({ at, body }) => {
    const said = pauseSchema.safeParse(body).data
    return said?.mailbox === undefined ? [] : { mailbox: said.mailbox, at }
  })
  const rows = await connection.rows<{
    key: string
    sent_today: number
    days_before: number
    last_at: string
    last_id: string
    sent: number
    bounced: number
    complained: number
  }>(
    `with resumed as (
       select mailbox, max("at") as resumed_at
       from (select unnest(from_json($2, '[{"mailbox": "VARCHAR", "at": "TIMESTAMP"}]'), recursive := true))
       group by mailbox
     ),
     left_from as (
       select channel || ' ' || mailbox as key, event_id, status, coalesce(sent_at, claimed_at) as left_at,
         coalesce(left_at > resumed_at, true) as counts,
         row_number() over (partition by channel, mailbox order by coalesce(sent_at, claimed_at) desc, event_id desc) as ago
       from raw.outreach__events
       left join resumed using (mailbox)
       where mailbox is not null and coalesce(sent_at, claimed_at) is not null and status in (
         'sent', 'delivered', 'opened', 'replied', 'bounced', 'unsubscribed', 'complained', 'sending', 'in_doubt', 'failed')
     )
     select key,
       count(*) filter (where left_at >= cast($1 as timestamp))::integer as sent_today,
       count(distinct left_at::date) filter (where left_at < cast($1 as timestamp))::integer as days_before,
       max(left_at) as last_at, max(event_id) filter (where ago = 1) as last_id,
       count(*) filter (where counts and ago <= ${HEALTH_OF_LAST})::integer as sent,
       count(*) filter (where counts and ago <= ${HEALTH_OF_LAST} and status in ('bounced', 'failed'))::integer as bounced,
       count(*) filter (where counts and ago <= ${HEALTH_OF_LAST} and status = 'complained')::integer as complained
     from left_from group by key order by key`,
    [now.toISOString().slice(0, 10), JSON.stringify(resumes)],
  )
  return new Map(
    rows.map(({ key, last_at, sent, bounced, complained, ...past }) => [
      key,
      { ...past, last_at: Date.parse(last_at), health: { sent, bounced, complained } },
    ]),
  )
}
