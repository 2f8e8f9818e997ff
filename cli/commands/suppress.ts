import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { linesOfList, type Named, readNamed, standing } from '../../ingest/suppressions.ts'
import { ProjectError, unreadable } from '../../pipeline/errors.ts'
import { watchIncoming } from '../../pipeline/incoming.ts'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { leaveMessage } from '../incoming-message.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { readMessages } from '../read-messages.ts'
import { action, type CommandSession } from '../session.ts'
import { textTable } from '../table.ts'

type Options = CommonOptions & { reason?: string }

/** People and companies that are never bought, written to or synced. Kept in the ledger, never in git. */
export function register(program: Command): void {
  const suppress = program
    .command('suppress')
    .description('people and companies never to touch; before a credit is spent')
  const changing = (name: string, description: string) =>
    addCommonOptions(suppress.command(name).description(description)).option(
      '--reason <text>',
      'why, for who asks later',
    )
  changing(
    'add <who...>',
    'e-mail addresses, domains, CNPJs or their roots, ids of companies (cmp_…) and contacts (con_…)',
  ).action(action<Options>((session, options, args) => leave(session, options, 'add', fromWords(args))))
  changing(
    'import <file>',
    'the same from a file: one a line, or a CSV; # begins a comment. What cannot be read is listed, the rest is suppressed',
  ).action(action<Options>((session, options, args) => importFile(session, options, args[0]!)))
  changing('remove <who...>', 'no longer suppress them').action(
    action<Options>((session, options, args) => leave(session, options, 'remove', fromWords(args))),
  )
  addCommonOptions(suppress.command('list').description('who is suppressed, since when, why')).action(
    action<CommonOptions>(async ({ report, root, load }, options) => {
      const { config } = await load()
      const messages = await readMessages(placesOf(root, config.target), watchIncoming, 'suppress')
      const rows = [...standing(messages).values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
      if (options.output === 'json') report.json(rows)
      else if (rows.length > 0) report.out(textTable(rows, ['by', 'value', 'since', 'reason'], options.output))
      report.line(`${rows.length} suppressed`)
      return 0
    }),
  )
}

/** One message, however long the list: in force and taken in as a whole. */
async function leave(session: CommandSession, { reason }: Options, act: 'add' | 'remove', entries: readonly Named[]) {
  const unique = [...new Map(entries.map((each) => [keyOf(each), { by: each.by, value: each.value }])).values()]
  const body = { action: act, ...(reason === undefined ? {} : { reason }) }
  if (unique.length > 0)
    await leaveMessage(
      session,
      'suppress',
      unique.length === 1 ? { ...body, ...unique[0] } : { ...body, entries: unique },
    )
  const done = act === 'add' ? 'suppressed' : 'no longer suppressed'
  session.report.line(`${unique.length} ${done}: in force for what is bought, sent or synced from now on`)
  return 0
}

/** Nobody stays in reach because another line of the list is wrong. */
async function importFile(session: CommandSession, options: Options, file: string): Promise<number> {
  const { entries, problems } = readNamed(linesOfList(contentOf(file), file))
  await leave(session, options, 'add', entries)
  if (problems.length === 0) return 0
  session.report.problems(problems)
  session.report.line(`${problems.length} lines could not be read, and name nobody who is suppressed now`)
  return 1
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ProjectError([{ file, message: unreadable(error) }])
  }
}

/** All that cannot be read is said at once, and then nothing is suppressed. */
function fromWords(words: readonly string[]): Named[] {
  const { entries, problems } = readNamed(words.map((text) => ({ text, file: 'pipeline suppress' })))
  if (problems.length > 0) throw new ProjectError(problems)
  return entries
}

function keyOf({ by, value }: Named): string {
  return `${by} ${value}`
}
