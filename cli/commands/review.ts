import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { ProjectError } from '../../pipeline/errors.ts'

import { readIncoming, writeIncoming } from '../../pipeline/incoming.ts'
import { quoteIdentifier } from '../../pipeline/table.ts'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { openPublished } from '../../pipeline/warehouse/published-file.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { action, type CommandSession } from '../session.ts'
import { textTable } from '../table.ts'

type Options = CommonOptions & { kind?: string; limit: string; by?: string; note?: string; ask?: boolean }

/** A row of any published `ops.review_<kind>`: a file in `models/ops/` with these columns is a queue. */
interface Item {
  kind: string
  item_id: string
  question: string
  options: string[]
  priority: number | null
  evidence: string | null
}

export function register(program: Command): void {
  const review = addFlags(program.command('review').description('what a person must decide'))
    .option('--kind <kind>', 'only these: match, …')
    .option('--limit <n>', 'so many', '20')
    .option('--ask', 'ask one by one, and keep the answers')
    .action(action<Options>(list))
  addFlags(review.command('decide <item> <decision>').description('answer one: an option of the item')).action(
    action<Options>(async (session, options, [item, decision]) => {
      const found = (await queue(session)).find(({ item_id }) => item_id === item)
      if (found === undefined) throw wrong(`nothing waits under '${item}'`, 'pipeline review lists what does.')
      checkOption(found, decision!)
      return keep(session, options, [{ kind: found.kind, item_id: found.item_id, decision: decision! }])
    }),
  )
  for (const [name, decision, says] of [
    ['merge', 'same', 'two companies, or two people, are one: their ids or those of their records'],
    ['split', 'different', 'two records are not one company, or person: their own ids'],
  ] as const) {
    addFlags(review.command(`${name} <left> <right>`).description(says)).action(
      action<Options>(async (session, options, [left, right]) =>
        keep(session, options, [{ kind: kindOf(left!, right!), item_id: pairId(left!, right!), decision }]),
      ),
    )
  }
  addFlags(
    review
      .command('import <file>')
      .description('decisions from JSON lines: {"kind","item_id","decision"} or {"left","right","decision"}'),
  ).action(action<Options>(async (session, options, [file]) => keep(session, options, decisionsOf(file!))))
}

function addFlags(command: Command): Command {
  return addCommonOptions(command).option('--by <who>', 'who decides').option('--note <text>', 'why')
}

async function list(session: CommandSession, options: Options): Promise<number> {
  const { report } = session
  const limit = Number(options.limit)
  if (!Number.isInteger(limit) || limit < 1) throw wrong(`--limit '${options.limit}' is not a whole number above 0`)
  const all = (await queue(session)).filter(({ kind }) => options.kind === undefined || kind === options.kind)
  const items = all.slice(0, limit)
  if (options.ask === true) return ask(session, options, items)
  if (options.output === 'json') report.json(items)
  else {
    const rows = items.map(({ kind, question, options: answers, item_id }) => ({
      kind,
      question,
      answers: answers.join(', '),
      item_id,
    }))
    if (rows.length > 0) report.out(textTable(rows, ['kind', 'question', 'answers', 'item_id'], options.output))
    report.line(
      all.length === 0
        ? 'nothing waits for a decision'
        : `${items.length} of ${all.length}; pipeline review decide ITEM ANSWER`,
    )
  }
  return 0
}

/** One by one: an answer, or nothing to leave it for later. */
async function ask(session: CommandSession, options: Options, items: readonly Item[]): Promise<number> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const decided: Decision[] = []
  for (const item of items) {
    session.report.line(`\n${item.question}`)
    if (item.evidence !== null) session.report.line(item.evidence)
    session.report.line(`${item.options.join(' / ')} (empty: later, q: enough)`)
    const { value, done } = await lines.next()
    const answer = String(value ?? '').trim()
    if (done === true || answer === 'q') break
    if (answer === '') continue
    const chosen = item.options.filter((option) => option.startsWith(answer))
    if (chosen.length === 1) decided.push({ kind: item.kind, item_id: item.item_id, decision: chosen[0]! })
    else session.report.line(`'${answer}' is none of them: left for later`)
  }
  return keep(session, options, decided)
}

interface Decision {
  kind: string
  item_id: string
  decision: string
}

/** Leaves each as a message for the next run, which takes it into the ledger: there it wins, and stays. */
async function keep(session: CommandSession, { by, note }: Options, decisions: readonly Decision[]): Promise<number> {
  const { config, root } = await session.load()
  const { data } = placesOf(root, config.target)
  const at = new Date().toISOString()
  for (const decision of decisions) {
    const body = { ...decision, ...(by === undefined ? {} : { by }), ...(note === undefined ? {} : { note }) }
    writeIncoming(data, { id: `review-${randomUUID()}`, kind: 'review', at, body })
  }
  session.report.line(`${decisions.length} decided; the next run takes it in`)
  return 0
}

/** What is published and has not been answered since. */
async function queue(session: CommandSession): Promise<Item[]> {
  const { config, root } = await session.load()
  const places = placesOf(root, config.target)
  const published = await openPublished(places.warehouse)
  if (published === undefined) throw wrong('nothing is published yet', 'pipeline run')
  try {
    const tables = await published.connection.rows<{ name: string }>(
      `select table_name as name from duckdb_tables() where schema_name = 'ops' and starts_with(table_name, 'review_') order by name`,
    )
    const columns = 'kind, item_id, question, options, priority::double as priority, evidence'
    const unions = tables.map(({ name }) => `select ${columns} from ops.${quoteIdentifier(name)}`)
    if (unions.length === 0) return []
    const items = await published.connection.rows<Item>(
      `select * from (${unions.join(' union all ')}) order by priority desc nulls last, kind, item_id`,
    )
    const answered = new Set(
      readIncoming(places.data).waiting.map(({ message }) => `${message.body.kind} ${message.body.item_id}`),
    )
    return items.filter(({ kind, item_id }) => !answered.has(`${kind} ${item_id}`))
  } finally {
    published.close()
  }
}

function decisionsOf(file: string): Decision[] {
  if (!existsSync(file)) throw wrong(`there is no file '${file}'`)
  const problems: { file: string; line: number; message: string; hint?: string }[] = []
  const decisions = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((text, index) => {
      if (text.trim() === '') return []
      try {
        const { item_id, left, right, decision, ...said } = JSON.parse(text) as Record<string, string | undefined>
        const [first = '', second = ''] = left === undefined ? (item_id?.split('~') ?? []) : [left, right]
        const kind = said.kind ?? kindOf(first, second)
        const id = item_id ?? (left !== undefined && right !== undefined ? pairId(left, right) : undefined)
        if (
          id !== undefined &&
          typeof decision === 'string' &&
          (!['match', 'contact_match'].includes(kind) || ['same', 'different'].includes(decision))
        )
          return [{ kind, item_id: id, decision }]
        problems.push({
          file,
          line: index + 1,
          message: `is no decision: ${text.slice(0, 80)}`,
          hint: 'decision: same or different, and item_id, or left and right.',
        })
      } catch {
        problems.push({ file, line: index + 1, message: `is not JSON: ${text.slice(0, 80)}` })
      }
      return []
    })
  if (problems.length > 0) throw new ProjectError(problems)
  return decisions
}

/** The same for both orders. */
function pairId(left: string, right: string): string {
  if (left === right) throw wrong(`'${left}' is one already`)
  return [left, right].sort().join('~')
}

/** What is asked of two ids: people's begin with `con_`. */
function kindOf(left: string, right: string): string {
  const people = [left, right].filter((id) => id.startsWith('con_')).length
  if (people === 1) throw wrong(`'${left}' and '${right}' are a company and a person`, 'Name two of a kind.')
  return people === 2 ? 'contact_match' : 'match'
}

function checkOption(item: Item, decision: string): void {
  if (!item.options.includes(decision))
    throw wrong(`'${decision}' is no answer to it`, `Answers: ${item.options.join(', ')}.`)
}

function wrong(message: string, hint?: string): ProjectError {
  return new ProjectError([{ file: 'review', message, ...(hint === undefined ? {} : { hint }) }])
}
