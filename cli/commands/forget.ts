import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { type Forgotten, forget } from '../../pipeline/forget/forget.ts'
import { noNames } from '../../pipeline/forget/names.ts'
import type { Loss } from '../../pipeline/forget/rewrite.ts'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { beyondReach } from '../beyond-reach.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { action, type CommandSession, holdingLedger, realEffects } from '../session.ts'
import { libraryOf, whomBy } from '../whom.ts'

type Options = CommonOptions & { dryRun: boolean; reason?: string }

export function register(program: Command): void {
  const command = program
    .command('forget')
    .description('erase people or companies everywhere, so that re-discovery and replay do not bring them back')
    .argument('<who...>', 'e-mail or LinkedIn addresses, ids (con_…, cmp_…), domains, CNPJs or their roots, names')
  addCommonOptions(command)
    .option('--dry-run', 'show what would be erased, and what cannot be reached; change nothing', false)
    .option('--reason <text>', 'why, for who asks later; without personal data')
    .action(action<Options>(forgetWords))
}

async function forgetWords(session: CommandSession, options: Options, words: string[]): Promise<number> {
  const project = await session.load()
  const places = placesOf(session.root, project.config.target)
  const effects = realEffects()
  const who = noNames()
  const beyond: string[] = []
  const done = await holdingLedger({ ...session, typed: 'pipeline forget' }, options.wait, places.ledger, () =>
    forget({
      ...{
        project,
        who,
        dry_run: options.dryRun,
        now: effects.now(),
        secret: randomBytes(32),
        reason: options.reason ?? 'asked for it',
      },
      async seed(opened, names) {
        const library = await libraryOf(opened)
        for (const word of words) {
          const meant = await whomBy(library, word)
          for (const kind of Object.keys(names) as (keyof typeof names)[])
            for (const name of meant.names[kind]) names[kind].add(name)
        }
      },
      async elsewhere(opened, names) {
        beyond.push(...(await beyondReach({ session, project, opened, names, effects, dry_run: options.dryRun })))
      },
    }),
  )
  tell(session, options, done, beyond)
  return 0
}

function tell(
  { report }: CommandSession,
  { output, dryRun }: Options,
  done: Forgotten,
  beyond: readonly string[],
): void {
  const { losses, files, known, names } = done
  if (output === 'json') {
    const lists = Object.fromEntries(Object.entries(names).map(([kind, set]) => [kind, [...set].sort()]))
    report.json({ known, dry_run: dryRun, names: dryRun ? lists : undefined, losses, files, cannot_reach: beyond })
    return
  }
  for (const { place, losses: own } of losses) {
    report.out(`${place}: ${textOf(own)}`)
    for (const loss of own) report.out(`  ${loss.table}: ${textOf([loss])}`)
  }
  for (const file of files) report.out(`${file}: ${dryRun ? 'would go, or lose a part' : 'gone, or less a part'}`)
  if (beyond.length > 0) report.out('what cannot be reached from here:')
  for (const line of beyond) report.out(`  ${line}`)
  if (!known) report.line(dryRun ? 'nothing is held' : 'nothing was held; what comes in of them later is not kept')
  else report.line(dryRun ? 'nothing was changed' : 'forgotten; the next run builds without them')
}

function textOf(losses: readonly Loss[]): string {
  const rows = losses.reduce((sum, loss) => sum + loss.rows, 0)
  const cells = losses.flatMap((loss) => Object.entries(loss.cells))
  const count = cells.reduce((sum, [, one]) => sum + one, 0)
  const where = losses.length === 1 && cells.length > 0 ? ` (${cells.map(([column]) => column).join(', ')})` : ''
  const parts = [
    ...(rows > 0 ? [`${rows} ${rows === 1 ? 'row' : 'rows'}`] : []),
    ...(count > 0 ? [`${count} ${count === 1 ? 'cell' : 'cells'}${where}`] : []),
  ]
  return parts.join(', ')
}
