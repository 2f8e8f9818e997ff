import { type Command, Option } from 'commander'
import { groundsOf } from '../../ingest/grounds.ts'
import { standing } from '../../ingest/suppressions.ts'
import { type Held, heldOf } from '../../pipeline/forget/held.ts'
import { SPELLINGS } from '../../pipeline/forget/names.ts'
import { declaredBy, surveyed } from '../../pipeline/forget/survey.ts'
import { trace } from '../../pipeline/forget/trace.ts'
import { inOrder, readTaken, watchIncoming } from '../../pipeline/incoming.ts'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { BUILD, LEDGER } from '../../pipeline/warehouse/session.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { openToRead } from '../read-session.ts'
import { action, type CommandSession, realEffects } from '../session.ts'
import { letterOf } from '../subject-letter.ts'
import { textTable } from '../table.ts'
import { libraryOf, whomBy } from '../whom.ts'

type Options = CommonOptions & { letter: boolean; language?: 'en' | 'pt' }

export function register(program: Command): void {
  const command = program
    .command('subject')
    .description('what is held of somebody, value by value, with origin and legal basis; the letter that tells them')
    .argument('<who>', 'an e-mail or LinkedIn address, an id (con_…), or a name that only one bears')
  addCommonOptions(command)
    .option('--letter', 'the notice of GDPR Art. 14 and LGPD, as Markdown', false)
    .addOption(
      new Option('--language <language>', "of the letter; by the person's country unless said").choices(['en', 'pt']),
    )
    .action(action<Options>((session, options, [word]) => tell(session, options, word!)))
}

async function tell(session: CommandSession, options: Options, word: string): Promise<number> {
  const { report, root } = session
  const project = await session.load()
  const today = realEffects().now().toISOString().slice(0, 10)
  const opened = await openToRead(project, today)
  try {
    const { connection } = opened
    const library = await libraryOf(opened)
    const { names } = await whomBy(library, word)
    const declared = declaredBy(project.graph, project.tables)
    const ledger = await surveyed(connection, LEDGER, declared)
    const marts = (await surveyed(connection, BUILD, declared)).filter(({ schema }) => schema === 'marts')
    await trace(connection, [...ledger, ...marts], names)
    const held = await heldOf(connection, [...ledger, ...marts], names)
    const grounds = await groundsOf(held.flatMap(({ source }) => source ?? []))
    const messages = inOrder([
      ...(await readTaken(connection, ['suppress'])),
      ...watchIncoming(placesOf(root, project.config.target).data).of('suppress'),
    ])
    const suppressed = [...standing(messages).values()].filter(
      ({ by, value }) => names.ids.has(value) || (by === 'email' && names.emails.has(SPELLINGS.email.js(value))),
    )
    const sent = sentOf(held)
    const country =
      held.some(({ column, value }) => column === 'country' && value === 'BR') ||
      (await isBrazilian(library.connection, names.ids))
    if (options.letter) {
      const sources = [...grounds].map(([source, { title, basis }]) => ({ title, basis, first: firstOf(held, source) }))
      const categories = [
        ...new Set(
          held
            .filter(({ pii, column }) => pii && column !== '_payload')
            .map(({ column }) => column.replaceAll('_', ' ')),
        ),
      ].sort()
      const facts = {
        controller: project.config.data.name,
        date: today,
        categories,
        sources,
        messages: sent.length,
        suppressed: suppressed.length > 0,
      }
      report.out(letterOf(options.language ?? (country ? 'pt' : 'en'), facts))
      return 0
    }
    const rows = held.map((one) => ({ ...one, basis: grounds.get(one.source ?? '')?.basis.join(', ') ?? null }))
    if (options.output === 'json') report.json({ held: rows, sent, suppressed })
    else {
      const flat = rows.map((row) => ({
        ...row,
        value: typeof row.value === 'object' ? JSON.stringify(row.value) : row.value,
      }))
      if (flat.length > 0)
        report.out(textTable(flat, ['table', 'column', 'value', 'source', 'fetched_at', 'basis'], options.output))
      report.out(
        `sent to them: ${sent.length === 0 ? 'nothing' : sent.map(({ at, channel }) => `${channel} at ${at}`).join('; ')}`,
      )
      report.out(
        `suppressed: ${suppressed.length === 0 ? 'no' : suppressed.map(({ by, since, reason }) => `by ${by} since ${since}${reason === null ? '' : ` (${reason})`}`).join('; ')}`,
      )
    }
    report.line(held.length === 0 ? 'nothing is held' : `${held.length} values held`)
    return 0
  } finally {
    opened.close()
  }
}

function sentOf(held: readonly Held[]): { at: string; channel: string }[] {
  const events = held.filter(({ table }) => table === 'marts.fct_outreach_events')
  let channel = 'message'
  return events.flatMap(({ column, value }) => {
    if (column === 'channel') channel = String(value)
    return column === 'sent_at' ? [{ at: String(value), channel }] : []
  })
}

function firstOf(held: readonly Held[], source: string): string | null {
  const dates = held.flatMap((one) =>
    one.source === source && one.fetched_at !== null ? [one.fetched_at.slice(0, 10)] : [],
  )
  return dates.sort()[0] ?? null
}

async function isBrazilian(connection: Parameters<typeof heldOf>[0], ids: ReadonlySet<string>): Promise<boolean> {
  const list = [...ids].map((id) => `'${id.replaceAll("'", "''")}'`).join(', ') || 'null'
  const rows = await connection
    .rows(
      `select 1 from marts.dim_contacts join marts.dim_companies using (company_id) where contact_id in (${list}) and country = 'BR' limit 1`,
    )
    .catch(() => [])
  return rows.length > 0
}
