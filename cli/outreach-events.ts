import { userInfo } from 'node:os'
import { type Desk, letterOf } from '../outreach/desk.ts'
import type { OutreachEvent } from '../outreach/events.ts'
import type { Letter } from '../outreach/letter.ts'
import { loadDesk } from '../outreach/load-desk.ts'
import { ProjectError } from '../pipeline/errors.ts'
import { watchIncoming } from '../pipeline/incoming.ts'
import type { Project } from '../pipeline/load.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import { placesOf } from '../pipeline/warehouse/home.ts'
import { openToRead } from './read-session.ts'

/** An event with what a person needs to know of the one it is for. */
export type ListedEvent = OutreachEvent & {
  full_name: string | null
  title: string | null
  company_name: string | null
  company_website: string | null
  company_linkedin_url: string | null
  company_country: string | null
  email: string | null
}

/** Messages and tasks as the ledger has them, and what is switched on. Throws LedgerHeld while a run writes. */
export async function withEvents<T>(
  project: Project,
  work: (world: { connection: Connection; channels: Desk['channels'] }) => Promise<T>,
): Promise<T> {
  const channels = await loadDesk(project)
  const session = await openToRead(project, new Date().toISOString().slice(0, 10))
  try {
    return await work({ connection: session.connection, channels })
  } finally {
    session.close()
  }
}

/** Events for which `where` holds, in order of their day; what has been decided and waits to be taken in is left out. */
export async function eventsWhere(
  project: Project,
  connection: Connection,
  where: string,
  parameters: readonly (string | number)[] = [],
): Promise<ListedEvent[]> {
  const rows = await connection.rows<ListedEvent>(
    `select events.* exclude (_fetched_at, _run_id, _load, _hash),
       contacts.full_name, contacts.title, contacts.email,
       companies.name as company_name, companies.website as company_website,
       companies.linkedin_url as company_linkedin_url, companies.country as company_country
     from (
       select * from _ledger.raw.outreach__events
       qualify row_number() over (partition by event_id order by _fetched_at desc, _load desc) = 1
     ) as events
     left join marts.fct_enriched_leads as leads on leads.lead_id = events.lead_id
     left join marts.dim_contacts as contacts on contacts.contact_id = events.contact_id
     left join marts.dim_companies as companies on companies.company_id = leads.company_id
     where ${where} order by events.planned_at, events.event_id`,
    parameters,
  )
  const { data } = placesOf(project.root, project.config.target)
  const waiting = watchIncoming(data).of('approve', 'reject', 'edit', 'task')
  const decided = new Set(
    waiting.flatMap(({ body }) => {
      const said = body as { event_id?: string; events?: string[]; messages?: { event_id: string }[] }
      return said.messages?.map(({ event_id }) => event_id) ?? said.events ?? said.event_id ?? []
    }),
  )
  return rows.filter(({ event_id }) => !decided.has(event_id))
}

/** As it would leave, with ids in the place of its token. */
export function letterFor(event: OutreachEvent, channels: Desk['channels']): Letter {
  const entry = channels.get(event.channel)
  if (entry === undefined) throw wrong(`channel '${event.channel}' is not switched on`)
  return letterOf(event, entry, { token: event.event_id, message_key: event.event_id, thread: [] })
}

/** Who decides, if nobody says. */
export function whoAmI(by: string | undefined): string {
  return by ?? userInfo().username
}

export function wrong(message: string, hint?: string): ProjectError {
  return new ProjectError([{ file: 'outreach', message, ...(hint === undefined ? {} : { hint }) }])
}
