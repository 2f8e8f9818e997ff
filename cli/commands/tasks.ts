import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Desk } from '../../outreach/desk.ts'
import { leaveMessage } from '../incoming-message.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { eventsWhere, type ListedEvent, letterFor, whoAmI, withEvents, wrong } from '../outreach-events.ts'
import { action, type CommandSession } from '../session.ts'
import { textTable } from '../table.ts'

interface Options extends CommonOptions {
  channel?: string
  all?: boolean
  outcome?: string
  note?: string
  by?: string
  format?: string
  out?: string
}

export function register(program: Command): void {
  const tasks = addCommonOptions(program.command('tasks'))
    .description('what people say by hand: LinkedIn (which forbids automation), telephone, WhatsApp; approved and due')
    .option('--channel <name>', 'only of this channel')
    .option('--all', 'also those that are not due yet')
    .action(action<Options>(list))
  addCommonOptions(tasks.command('done <tasks...>'))
    .description('these were done, or came to something else')
    .option(
      '--outcome <word>',
      'done, not_found, expired, left_out, replied, interested, meeting, not_now, not_interested, opt_out, …',
      'done',
    )
    .option('--note <text>', 'for who asks later')
    .option('--by <who>', 'who did it; the user of this machine unless said')
    .action(action<Options>(done))
  addCommonOptions(tasks.command('export'))
    .description('the same as CSV, for tools that take it')
    .requiredOption('--format <name>', 'sales_navigator_accounts, outreach_tool, dialer, click_to_chat')
    .option('--channel <name>', 'only of this channel')
    .option('--all', 'also those that are not due yet')
    .option('--out <file>', 'in place of standard output')
    .action(action<Options>(exportCsv))
}

async function due(
  session: CommandSession,
  { channel, all }: Options,
): Promise<{ events: ListedEvent[]; channels: Desk['channels'] }> {
  const project = await session.load()
  return withEvents(project, async ({ connection, channels }) => {
    const people = [...channels].filter(
      ([name, entry]) => entry.channel.tasks !== undefined && (channel ?? name) === name,
    )
    if (people.length === 0)
      throw wrong(
        channel === undefined
          ? 'no channel that people work with is switched on'
          : `'${channel}' is no channel that people work with`,
      )
    const time = all === true ? '9999-12-31' : new Date().toISOString()
    const where = `events.status = 'approved' and events.channel in (select unnest(from_json($1, '["VARCHAR"]'))) and events.planned_at <= cast($2 as timestamp)`
    return {
      events: await eventsWhere(project, connection, where, [JSON.stringify(people.map(([name]) => name)), time]),
      channels,
    }
  })
}

async function list(session: CommandSession, options: Options): Promise<number> {
  const { events, channels } = await due(session, options)
  const rows = events.map((event) => ({
    task: event.event_id,
    day: event.planned_at.slice(0, 10),
    channel: event.channel,
    by: event.mailbox,
    who: `${event.full_name ?? '?'}, ${event.company_name ?? '?'}`,
    where: event.address,
    says: letterFor(event, channels).text,
  }))
  if (options.output === 'json') session.report.json(rows)
  else if (rows.length > 0)
    session.report.out(textTable(rows, ['task', 'day', 'channel', 'by', 'who', 'where', 'says'], options.output))
  session.report.line(`${rows.length} ${rows.length === 1 ? 'task' : 'tasks'}; pipeline tasks done TASK --outcome …`)
  return 0
}

async function done(session: CommandSession, options: Options, ids: string[]): Promise<number> {
  const project = await session.load()
  const { outcome = 'done', note } = options
  await withEvents(project, async ({ connection, channels }) => {
    const where = `events.event_id in (select unnest(from_json($1, '["VARCHAR"]'))) and events.status in ('approved', 'sent')`
    const found = await eventsWhere(project, connection, where, [JSON.stringify(ids)])
    for (const id of ids) {
      const event = found.find(({ event_id }) => event_id === id)
      const known = event && channels.get(event.channel)?.channel.tasks?.outcomes
      if (known === undefined) throw wrong(`'${id}' is no task that waits`, 'pipeline tasks lists those that do.')
      if (!(outcome in known))
        throw wrong(
          `'${outcome}' is nothing that a task of ${event!.channel} comes to`,
          `Known: ${Object.keys(known).join(', ')}.`,
        )
    }
    for (const event of found) {
      const body = {
        by: whoAmI(options.by),
        event_id: event.event_id,
        outcome,
        ...(note === undefined ? {} : { note }),
      }
      await leaveMessage(session, 'task', body)
      // In force at once, by every way, not only with the next run.
      if (outcome === 'opt_out' && event.contact_id !== null)
        await leaveMessage(session, 'suppress', {
          action: 'add',
          by: 'contact_id',
          value: event.contact_id,
          reason: 'said so to a person',
        })
    }
  })
  session.report.line(`${ids.length} ${outcome}; the next run takes it in`)
  return 0
}

async function exportCsv(session: CommandSession, options: Options): Promise<number> {
  const { events, channels } = await due(session, options)
  const formats = new Map(
    [...channels].flatMap(([name, { channel }]) =>
      Object.entries(channel.tasks?.exports ?? {}).map(([format, columns]) => [format, { name, columns }] as const),
    ),
  )
  const format = formats.get(options.format!)
  if (format === undefined)
    throw wrong(`there is no export '${options.format}'`, `Known: ${[...formats.keys()].join(', ')}.`)
  const rows = events
    .filter(({ channel }) => channel === format.name)
    .map((event) => cellsOf(event, letterFor(event, channels).text))
  const columns = Object.entries(format.columns)
  const lines = [
    columns.map(([, theirs]) => csvCell(theirs)),
    ...rows.map((row) => columns.map(([ours]) => csvCell(row[ours] ?? ''))),
  ]
  const unique = [...new Set(lines.map((cells) => cells.join(',')))]
  const text = `${unique.join('\r\n')}\r\n`
  if (options.out === undefined) session.report.out(text.trimEnd())
  else writeFileSync(resolve(options.out), text)
  session.report.line(
    `${unique.length - 1} rows. LinkedIn's terms forbid automation: what another tool does with them is the decision of whoever loads them there`,
  )
  return 0
}

function cellsOf(event: ListedEvent, text: string): Record<string, string> {
  const words = (event.full_name ?? '').trim().split(/\s+/)
  const of = (value: string | null) => value ?? ''
  return {
    task: event.event_id,
    linkedin_url: of(event.address),
    phone: of(event.address),
    email: of(event.email),
    first_name: words[0] ?? '',
    last_name: words.slice(1).join(' '),
    title: of(event.title),
    company_name: of(event.company_name),
    company_website: of(event.company_website),
    company_linkedin_url: of(event.company_linkedin_url),
    company_country: of(event.company_country),
    text,
  }
}

/** RFC 4180; what a spreadsheet would take for a formula is made text by an apostrophe (CWE-1236), also a number with `+`. */
function csvCell(value: string): string {
  const safe = /^[=+\-@\t\r\0＝＋－＠]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
