import { type Command, InvalidArgumentError } from 'commander'
import { diff, figureSpecs } from '../../pipeline/diff/diff.ts'
import { readGates } from '../../pipeline/diff/gate.ts'
import { EXIT, ProjectError } from '../../pipeline/errors.ts'
import { refuseFuture } from '../../pipeline/run.ts'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { addCommonOptions, type CommonOptions, parseDate } from '../options.ts'
import { diffJson, diffText, judgeAll } from '../report-diff.ts'
import { action, type CommandSession, realEffects } from '../session.ts'

interface Options extends CommonOptions {
  against?: string
  failIf: string[]
  people: boolean
  limit: number
  asOf?: string
  threads?: number
}

const MANY = 1_000_000_000

export function register(program: Command): void {
  const command = program
    .command('diff [ref]')
    .description(
      'what this tree changes, on the same data: rows, leads and the rule that moved each, messages, CRM fields',
    )
  addCommonOptions(command)
    .option(
      '--against <place>',
      'a published warehouse.duckdb, a folder that holds one, or a URL; else the last one here',
    )
    .option(
      '--fail-if <expression>',
      "exit 1 when it holds: 'tier_changes > 5%' (repeatable)",
      (text: string, all: string[]) => [...all, text],
      [] as string[],
    )
    .option('--people', 'show names of people as they are', false)
    .option('--limit <n>', 'how many rows of a list to show; -1 for all', parseLimit, 20)
    .option('--as-of <date>', 'the date that models read (UTC); the date of the publication unless said', parseDate)
    .option('--threads <n>', "DuckDB's threads", parseThreads)
    .action(action<Options>((session, options, args) => run(session, options, args[0])))
}

async function run(session: CommandSession, options: Options, ref: string | undefined): Promise<number> {
  const { report, loadOptions } = session
  const { output, against, people, limit, threads, failIf } = options
  if (ref !== undefined && against !== undefined) {
    const hint = 'Name a git ref, or --against, not both.'
    throw new ProjectError([{ file: '--against', message: `there is a git ref, too: '${ref}'`, hint }])
  }
  const effects = realEffects()
  if (options.asOf !== undefined) refuseFuture(options.asOf, effects.now())
  const project = await session.load()
  const specs = figureSpecs(project)
  const gates = readGates(failIf, specs)
  const { progress, note } = report.listener()
  const result = await diff({
    project,
    loadOptions,
    places: placesOf(project.root, project.config.target),
    ref,
    against,
    as_of: options.asOf,
    threads,
    show_people: people,
    limit: limit < 0 ? MANY : limit,
    listener: { progress, note },
    effects,
  })
  const judged = judgeAll(gates, result)
  if (output === 'json') report.json(diffJson(result, judged))
  else report.out(diffText(result, specs, judged, output))
  const failing = judged.filter(({ fails }) => fails)
  for (const { text, found } of failing) report.problem(`${report.red('failed')}  --fail-if '${text}': ${found}`)
  return failing.length > 0 ? EXIT.failed : EXIT.ok
}

function parseLimit(text: string): number {
  if (!/^(-1|\d+)$/.test(text)) throw new InvalidArgumentError(`'${text}' is not a whole number, or -1 for all.`)
  return Number(text)
}

function parseThreads(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError(`'${text}' is not a whole number above 0.`)
  return Number(text)
}
