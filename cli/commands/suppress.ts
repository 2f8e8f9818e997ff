import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { type Suppression, suppressedBy } from '../../ingest/suppressions.ts'
import { type Problem, ProjectError, unreadable } from '../../pipeline/errors.ts'
import { watchIncoming } from '../../pipeline/incoming.ts'
import type { Row } from '../../pipeline/warehouse/duckdb.ts'
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
    'the same from a file: one a line, or the first column of a CSV; # begins a comment',
  ).action(action<Options>((session, options, args) => leave(session, options, 'add', fromFile(args[0]!))))
  changing('remove <who...>', 'no longer suppress them').action(
    action<Options>((session, options, args) => leave(session, options, 'remove', fromWords(args))),
  )
  addCommonOptions(suppress.command('list').description('who is suppressed, since when, why')).action(
    action<CommonOptions>(async ({ report, root, load }, options) => {
      const { config } = await load()
      const rows = standing(await readMessages(placesOf(root, config.target), watchIncoming, 'suppress'))
      if (options.output === 'json') report.json(rows)
      else if (rows.length > 0) report.out(textTable(rows, ['by', 'value', 'since', 'reason'], options.output))
      report.line(`${rows.length} suppressed`)
      return 0
    }),
  )
}

type Named = Pick<Suppression, 'by' | 'value'>

async function leave(session: CommandSession, { reason }: Options, act: Suppression['action'], named: Named[]) {
  for (const each of named)
    await leaveMessage(session, 'suppress', { action: act, ...each, ...(reason === undefined ? {} : { reason }) })
  const done = act === 'add' ? 'suppressed' : 'no longer suppressed'
  session.report.line(`${named.length} ${done}: in force for what is bought, sent or synced from now on`)
  return 0
}

function fromWords(words: readonly string[]): Named[] {
  return named(words.map((text) => ({ text, file: 'pipeline suppress' })))
}

function fromFile(file: string): Named[] {
  let content: string
  try {
    content = readFileSync(file, 'utf8').replace(/^\uFEFF/, '')
  } catch (error) {
    throw new ProjectError([{ file, message: unreadable(error) }])
  }
  const lines = content.split(/\r?\n/).map((line, index) => ({
    text: line
      .split(/[,;\t#]/, 1)[0]!
      .replaceAll('"', '')
      .trim(),
    file,
    line: index + 1,
  }))
  const header = lines.findIndex(({ text }) => text !== '')
  const isHeader = header >= 0 && /^(e-?mail|domain|domínio|cnpj|company|value|who)\w*$/i.test(lines[header]!.text)
  return named(lines.filter(({ text }, index) => text !== '' && !(isHeader && index === header)))
}

/** All that cannot be read is said at once, and then nothing is suppressed. */
function named(given: readonly { text: string; file: string; line?: number }[]): Named[] {
  const problems: Problem[] = []
  const found = given.flatMap(({ text, ...place }) => {
    const who = suppressedBy(text)
    if (who !== undefined) return [who]
    const hint = 'Give an e-mail address, a domain, a CNPJ or its first 8 characters, or an id (cmp_…, con_…).'
    problems.push({ ...place, message: `'${text}' is none of what can be suppressed`, hint })
    return []
  })
  if (problems.length > 0) throw new ProjectError(problems)
  return found
}

/** The last word on each value. */
function standing(messages: readonly { at: string; body: Record<string, unknown> }[]): Row[] {
  const last = new Map<string, Row>()
  for (const { at, body } of messages) {
    const { action: act, by, value, reason } = body as unknown as Suppression
    const key = `${by} ${value}`
    if (act === 'remove') last.delete(key)
    else if (!last.has(key)) last.set(key, { by, value, since: at, reason: reason ?? null })
  }
  return [...last].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
}
