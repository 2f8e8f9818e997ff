import { existsSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Evidence } from '../../ingest/match/explain.ts'
import {
  type Columns,
  loadLexicon,
  type MatchWorld,
  matchFile,
  matchPairs,
  NoSuchColumn,
} from '../../ingest/match/run-match.ts'
import { readMatchSettings } from '../../ingest/match/settings.ts'
import { codeRoot } from '../../pipeline/code-root.ts'
import { ProjectError } from '../../pipeline/errors.ts'
import { didYouMean } from '../../pipeline/nearest.ts'
import { openDatabase } from '../../pipeline/warehouse/duckdb.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { action, type CommandSession } from '../session.ts'

type Options = CommonOptions &
  Columns & {
    data?: string
    pairs?: string
    left?: string
    right?: string
    explain?: string[]
    threads?: string
    memory: string
  }

export function register(program: Command): void {
  const command = program
    .command('match')
    .description('which rows of a table, or which of two names, are the same company; no project data needed')
  addCommonOptions(command)
    .option('--data <file>', 'resolve this CSV: one line per row with its cluster')
    .option('--id <column>', 'its key')
    .option('--name <column>', 'its name')
    .option('--country <column>', 'its country')
    .option('--place <column>', 'its city, or city and state')
    .option('--address <column>', 'its street address')
    .option('--phone <column>', 'its phone')
    .option('--email <column>', 'its e-mail')
    .option('--domain <column>', 'its domain, website or an address at it')
    .option('--cnpj <column>', 'its CNPJ')
    .option('--pairs <file>', 'score the pairs of this CSV: one line per pair')
    .option('--left <column>', 'one name')
    .option('--right <column>', 'the other')
    .option('--explain <a b...>', 'two names, or two companies of the project: the evidence, step by step')
    .option('--threads <n>', "DuckDB's threads")
    .option('--memory <size>', 'how much memory may be used', '3GB')
    .action(
      action<Options>(async (session, options) => {
        if (options.explain !== undefined) {
          const { explain } = await import('../match-explain.ts')
          return explain(session, options, options.explain)
        }
        const { connection, close, ...world } = await openMatch(session, options)
        try {
          if (options.data !== undefined) return await data({ connection, ...world }, session, options, options.data)
          if (options.pairs !== undefined) return await pairs({ connection, ...world }, session, options, options.pairs)
        } catch (error) {
          if (!(error instanceof NoSuchColumn)) throw error
          const hint = didYouMean(error.column, error.columns) ?? `It has ${error.columns.slice(0, 20).join(', ')}.`
          throw new ProjectError([{ file: (options.data ?? options.pairs)!, line: 1, message: error.message, hint }])
        } finally {
          close()
        }
        throw wrong('match needs --data, --pairs or --explain', 'pipeline match --data FILE.csv --id COL --name COL')
      }),
    )
}

/** A database of its own, in memory, with the words and legal forms that come with the code. */
export async function openMatch(
  session: CommandSession,
  options: { threads?: string; memory?: string },
): Promise<MatchWorld & { close(): void }> {
  const settings = readMatchSettings(session.root)
  const threads = options.threads === undefined ? Math.min(8, cpus().length) : Number(options.threads)
  if (!Number.isInteger(threads) || threads < 1)
    throw wrong(`--threads '${options.threads}' is not a whole number above 0`)
  const database = await openDatabase({
    threads,
    memory_limit: options.memory ?? '3GB',
    temp_directory: join(tmpdir(), `lead-engine-match-${process.pid}`),
  })
  const connection = await database.connect()
  const lexicon = await loadLexicon(connection, join(codeRoot(), 'seeds'))
  return {
    connection,
    lexicon,
    settings,
    progress: (text) => session.report.line(text),
    close() {
      connection.close()
      database.close()
    },
  }
}

async function data(world: MatchWorld, { report }: CommandSession, options: Options, file: string): Promise<number> {
  if (options.name === undefined || options.id === undefined)
    throw wrong('--data needs --id and --name', 'pipeline match --data FILE.csv --id COL --name COL')
  const columns: Columns = {}
  for (const key of ['id', 'name', 'country', 'place', 'address', 'phone', 'email', 'domain', 'cnpj'] as const)
    if (options[key] !== undefined) columns[key] = options[key]
  let rows = 0
  const clusters = new Set<string>()
  for await (const batch of matchFile(world, found(file), columns)) {
    for (const row of batch) clusters.add(row.cluster)
    rows += batch.length
    if (options.output === 'json') report.out(batch.map((row) => JSON.stringify(row)).join('\n'))
    else report.out(batch.map(({ id, cluster, probability }) => `${id ?? ''}\t${cluster}\t${probability}`).join('\n'))
  }
  report.line(`${rows} rows, ${clusters.size} companies`)
  return 0
}

async function pairs(world: MatchWorld, { report }: CommandSession, options: Options, file: string): Promise<number> {
  if (options.left === undefined || options.right === undefined) throw wrong('--pairs needs --left and --right')
  let rows = 0
  let same = 0
  for await (const batch of matchPairs(world, found(file), options.left, options.right)) {
    rows += batch.length
    same += batch.filter((pair) => pair.same).length
    if (options.output === 'json')
      report.out(
        batch
          .map(({ probability, same, evidence, left, right }) =>
            JSON.stringify({ left, right, probability, same, evidence }),
          )
          .join('\n'),
      )
    else
      report.out(
        batch
          .map(
            ({ left, right, probability, same }) =>
              `${same ? 'same' : 'different'}\t${probability}\t${left ?? ''}\t${right ?? ''}`,
          )
          .join('\n'),
      )
  }
  report.line(`${rows} pairs, ${same} the same`)
  return 0
}

/** The waterfall, for people: each step with its bits and the sum so far. */
export function waterfall(evidence: readonly Evidence[]): string {
  let sum = 0
  return evidence
    .map(({ field, says, bits }) => {
      sum += bits
      return `${field.padEnd(11)} ${says.padEnd(34)} ${(bits >= 0 ? '+' : '−') + Math.abs(bits).toFixed(2).padStart(5)}  ${sum.toFixed(2).padStart(6)}`
    })
    .join('\n')
}

function found(file: string): string {
  const path = resolve(file)
  if (!existsSync(path)) throw wrong(`there is no file '${file}'`)
  return path
}

function wrong(message: string, hint?: string): ProjectError {
  return new ProjectError([{ file: 'match', message, ...(hint === undefined ? {} : { hint }) }])
}
