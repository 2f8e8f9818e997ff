import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { EXIT, type Problem, ProjectError } from '../../pipeline/errors.ts'
import { incomingFolder, writeIncoming } from '../../pipeline/incoming.ts'
import { readConfig } from '../../pipeline/load.ts'
import { type Places, placesOf } from '../../pipeline/warehouse/home.ts'
import { openSession } from '../../pipeline/warehouse/session.ts'
import { compareFiles, findVersion, type KeptVersion, keptVersions, writeFiles } from '../../scoring/revert.ts'
import { addCommonOptions, type CommonOptions, parseDate } from '../options.ts'
import { action, type CommandSession } from '../session.ts'
import { textTable } from '../table.ts'

interface OverrideOptions extends CommonOptions {
  score?: number
  tier?: string
  reason: string
  until?: string
  clear: boolean
}

export function register(program: Command): void {
  const score = program.command('score').description('versions of the cards, and what people overrule')
  addCommonOptions(score.command('list').description('the versions of the cards that the ledger keeps')).action(
    action<CommonOptions>(async (session, options) => {
      const versions = await versionsOf(placesIn(session))
      const rows = versions.map(({ score_version, first_used_at, files }) => ({
        score_version,
        first_used_at,
        differs: compareFiles(session.root, files).reduce((sum, { changes }) => sum + changes.length, 0),
      }))
      if (options.output === 'json') session.report.json(rows)
      else session.report.out(textTable(rows, ['score_version', 'first_used_at', 'differs'], options.output))
      return EXIT.ok
    }),
  )
  addCommonOptions(score.command('revert <version>').description('write the cards back as they were under a version'))
    .option('--dry-run', 'say what would change, and write nothing', false)
    .action(
      action<CommonOptions & { dryRun: boolean }>(async (session, options, [wanted]) => {
        const { report, root } = session
        const version = findVersion(await versionsOf(placesIn(session)), wanted!)
        const reverted = compareFiles(root, version.files)
        if (!options.dryRun && reverted.length > 0) writeFiles(root, version.files)
        if (options.output === 'json') report.json({ ...version, files: Object.keys(version.files), reverted })
        for (const { file, changes } of reverted) {
          report.line(file)
          for (const change of changes) report.line(`  ${change}`)
        }
        const names = Object.keys(version.files).flatMap((file) => /scores\/(\w+)\.yml$/.exec(file)?.[1] ?? [])
        const done = options.dryRun ? 'would be written' : 'written'
        report.line(
          reverted.length === 0
            ? `the cards are those of ${version.score_version} already`
            : `${reverted.length} files ${done}, as of ${version.score_version}. It used scoring: { scores: [${names.join(', ')}] }; pipeline diff says whom that moves`,
        )
        return EXIT.ok
      }),
    )
  addCommonOptions(
    score.command('override <lead_id>').description('set the score or tier of a lead, for a time and with a reason'),
  )
    .option('--score <score>', 'in place of the cards’ score', parseScore)
    .option('--tier <tier>', 'in place of the cards’ tier; its status follows')
    .requiredOption('--reason <text>', 'why; shown among the reasons')
    .option('--until <date>', 'the last day on which it holds', parseDate)
    .option('--clear', 'take back what was set', false)
    .action(
      action<OverrideOptions>(async (session, options, [lead_id]) => {
        checkOverride(options)
        const { score, tier, reason, clear } = options
        const at = new Date().toISOString()
        const until = options.until ?? at.slice(0, 10)
        const set = clear ? {} : { score, tier: tier?.toUpperCase() }
        const { data } = placesIn(session)
        const message = { id: `override-${randomUUID()}`, kind: 'score_override', at }
        writeIncoming(data, { ...message, body: { lead_id, ...set, reason, until } })
        if (options.output === 'json') session.report.json(message)
        session.report.line(`${relative(session.root, incomingFolder(data))}: the next run takes it in`)
        return EXIT.ok
      }),
    )
}

/** Needs no sound card: the ledger is read beside the project. */
function placesIn({ root, loadOptions }: CommandSession): Places {
  const problems: Problem[] = []
  const config = readConfig(loadOptions, problems)
  if (config === undefined) throw new ProjectError(problems)
  return placesOf(root, config.target)
}

async function versionsOf({ ledger }: Places): Promise<KeptVersion[]> {
  if (!existsSync(ledger)) {
    throw new ProjectError([{ file: 'data', message: 'there is no ledger yet', hint: 'pipeline run' }])
  }
  const session = await openSession({ ledger, ledger_read_only: true, as_of: '9999-12-30' })
  try {
    return await keptVersions(session.connection, '_ledger.raw.scoring__versions')
  } finally {
    session.close()
  }
}

function checkOverride({ score, tier, until, clear }: OverrideOptions): void {
  const none = score === undefined && tier === undefined
  const wrong = clear ? !none : none || until === undefined
  if (!wrong) return
  const hint = clear ? '--clear takes neither --score nor --tier.' : 'Give --score or --tier, and --until.'
  throw new ProjectError([{ file: 'score override', message: 'it is not clear what is set, or for how long', hint }])
}

function parseScore(text: string): number {
  const score = Number(text)
  if (text.trim() === '' || !(score >= 0 && score <= 100))
    throw new InvalidArgumentError('must be a number from 0 to 100')
  return score
}
