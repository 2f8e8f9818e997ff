import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { unreadable } from '../../pipeline/errors.ts'
import { leaveMessage } from '../incoming-message.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { eventsWhere, type ListedEvent, letterFor, whoAmI, withEvents, wrong } from '../outreach-events.ts'
import { action, type CommandSession } from '../session.ts'
import { textTable } from '../table.ts'

interface Options extends CommonOptions {
  interactive?: boolean
  allOf?: string[]
  preview?: string
  limit: string
  by?: string
  reason?: string
  subject?: string
  body?: string
  approve?: boolean
}

const OPEN = `events.status = 'planned'`

export function register(program: Command): void {
  const approve = addFlags(program.command('approve [messages...]'))
    .description('let messages leave, exactly as they are now; without words it lists what waits')
    .option('--interactive', 'one by one: yes, no, edit later')
    .option('--all-of <sequences...>', 'all that wait, of these sequences')
    .option('--preview <lead>', 'what would be said to a lead: headers, text and HTML; decides nothing')
    .option('--limit <n>', 'how many to list', '20')
    .action(action<Options>(decideOrList))
  addFlags(approve.command('reject <messages...>'))
    .description('these never leave')
    .option('--reason <text>', 'why')
    .action(action<Options>(reject))
  addFlags(approve.command('edit <message>'))
    .description('other words, which no rendering replaces; looked at again unless --approve')
    .option('--subject <text>', 'the new subject')
    .option('--body <file>', 'a file with the new text, Markdown; - for standard input')
    .option('--approve', 'and let it leave')
    .action(action<Options>(edit))
}

function addFlags(command: Command): Command {
  return addCommonOptions(command).option('--by <who>', 'who decides; the user of this machine unless said')
}

async function decideOrList(session: CommandSession, options: Options, ids: string[]): Promise<number> {
  const project = await session.load()
  return withEvents(project, async ({ connection, channels }) => {
    if (options.preview !== undefined) {
      const found = await eventsWhere(project, connection, `events.lead_id = $1 and events.body is not null`, [
        options.preview,
      ])
      if (found.length === 0)
        throw wrong(`nothing is to be said to '${options.preview}'`, 'Give the id of a lead: led_…')
      const letters = found.map((event) => ({
        status: event.status,
        content_hash: event.content_hash,
        ...letterFor(event, channels),
      }))
      if (options.output === 'json') session.report.json(letters)
      else for (const letter of letters) session.report.out(previewText(letter))
      return 0
    }
    if (ids.length > 0)
      return approve(session, options, await named(ids, (where, ids) => eventsWhere(project, connection, where, ids)))
    if (options.allOf !== undefined) {
      const all = await eventsWhere(
        project,
        connection,
        `${OPEN} and events.sequence in (select unnest(from_json($1, '["VARCHAR"]')))`,
        [JSON.stringify(options.allOf)],
      )
      return approve(session, options, all)
    }
    const waiting = await eventsWhere(project, connection, OPEN)
    return options.interactive ? ask(session, options, waiting) : list(session, options, waiting)
  })
}

/** All that were named, each waiting for approval. */
async function named(
  ids: readonly string[],
  find: (where: string, ids: string[]) => Promise<ListedEvent[]>,
): Promise<ListedEvent[]> {
  const found = await find(`${OPEN} and events.event_id in (select unnest(from_json($1, '["VARCHAR"]')))`, [
    JSON.stringify(ids),
  ])
  const lacks = ids.filter((id) => !found.some(({ event_id }) => event_id === id))
  if (lacks.length > 0)
    throw wrong(`nothing waits for approval under ${lacks.join(', ')}`, 'pipeline approve lists what does.')
  return found
}

async function approve(session: CommandSession, options: Options, events: readonly ListedEvent[]): Promise<number> {
  const messages = events.map(({ event_id, content_hash }) => ({ event_id, content_hash }))
  if (messages.length > 0) await leaveMessage(session, 'approve', { by: whoAmI(options.by), messages })
  if (options.output === 'json') session.report.json({ approved: messages })
  session.report.line(
    `${messages.length} approved, just as they are: any change makes it void. pipeline send sends what is due`,
  )
  return 0
}

async function reject(session: CommandSession, options: Options, ids: string[]): Promise<number> {
  const { by, reason } = options
  await leaveMessage(session, 'reject', { by: whoAmI(by), events: ids, ...(reason === undefined ? {} : { reason }) })
  session.report.line(`${ids.length} refused`)
  return 0
}

async function edit(session: CommandSession, options: Options, [id]: string[]): Promise<number> {
  const project = await session.load()
  const event = await withEvents(project, async ({ connection, channels }) => {
    const [found] = await eventsWhere(
      project,
      connection,
      `events.event_id = $1 and events.status in ('planned', 'approved')`,
      [id!],
    )
    if (found === undefined) throw wrong(`nothing can be edited under '${id}'`, 'pipeline approve lists what waits.')
    const { address, subject, body } = found
    const words = {
      subject: options.subject ?? subject,
      body: options.body === undefined ? (body ?? '') : textOf(options.body),
    }
    const { channel } = channels.get(found.channel)!
    const reason = channel.refuses({ address: address ?? '', address_status: null, address_is_role: false, ...words })
    if (reason !== undefined) throw wrong(`the channel refuses these words: ${reason}`)
    return { ...found, ...words }
  })
  await leaveMessage(session, 'edit', {
    by: whoAmI(options.by),
    event_id: event.event_id,
    content_hash: event.content_hash,
    subject: event.subject,
    body: event.body,
    approve: options.approve === true,
  })
  session.report.line(`edited${options.approve ? ' and approved' : ''}: these words stay, whatever the template says`)
  return 0
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8').trim()
  } catch (error) {
    throw wrong(`'${file}' ${unreadable(error)}`)
  }
}

function list({ report }: CommandSession, options: Options, events: readonly ListedEvent[]): number {
  const limit = Number(options.limit)
  if (!Number.isInteger(limit) || limit < 1) throw wrong(`--limit '${options.limit}' is not a whole number above 0`)
  const rows = events.slice(0, limit).map((event) => ({
    message: event.event_id,
    day: event.planned_at.slice(0, 10),
    channel: event.channel,
    step: `${event.sequence} ${event.step_id}`,
    to: `${event.full_name ?? event.address}, ${event.company_name ?? '?'}`,
    says: event.subject ?? (event.body ?? '').slice(0, 60),
  }))
  if (options.output === 'json') report.json(events.slice(0, limit))
  else if (rows.length > 0)
    report.out(textTable(rows, ['message', 'day', 'channel', 'step', 'to', 'says'], options.output))
  report.line(
    events.length === 0
      ? 'nothing waits for approval'
      : `${rows.length} of ${events.length} wait; pipeline approve MESSAGE…, --all-of SEQUENCE, --interactive`,
  )
  return 0
}

/** One by one; what is not answered stays open. Nothing is decided before the last answer, so that a slip can be left by Ctrl-C. */
async function ask(session: CommandSession, options: Options, events: readonly ListedEvent[]): Promise<number> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const yes: ListedEvent[] = []
  const no: string[] = []
  for (const event of events) {
    session.report.line(
      `\n${event.event_id}  ${event.sequence} ${event.step_id} by ${event.channel}, ${event.planned_at.slice(0, 10)}`,
    )
    session.report.line(`To: ${event.full_name ?? ''} <${event.address}>, ${event.company_name ?? '?'}`)
    if (event.subject !== null) session.report.line(`Subject: ${event.subject}`)
    session.report.line(`\n${event.body}\n`)
    session.report.line('y approve / n refuse (empty: later, q: enough)')
    const { value, done } = await lines.next()
    const answer = String(value ?? '')
      .trim()
      .toLowerCase()
    if (done === true || answer === 'q') break
    if (/^y(es)?$/.test(answer)) yes.push(event)
    else if (/^no?$/.test(answer)) no.push(event.event_id)
    else if (answer !== '') session.report.line(`'${answer}' is neither: left for later`)
  }
  if (no.length > 0) await reject(session, options, no)
  return approve(session, options, yes)
}

function previewText(letter: ReturnType<typeof letterFor> & { status: string; content_hash: string | null }): string {
  const { from, to, subject, text, html, headers } = letter
  const head = [
    `Status: ${letter.status}`,
    from === null ? undefined : `From: ${from.name === null ? from.address : `${from.name} <${from.address}>`}`,
    `To: ${to}`,
    subject === null ? undefined : `Subject: ${subject}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `Hash: ${letter.content_hash}`,
  ].filter((line) => line !== undefined)
  return `${head.join('\n')}\n\n${text}\n${html === null ? '' : `\n--- HTML ---\n${html}\n`}`
}
