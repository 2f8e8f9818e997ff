import { relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { ProjectError } from '../../pipeline/errors.ts'
import type { Project } from '../../pipeline/load.ts'
import { type Places, placesOf, pullLedger, pushLedger } from '../../pipeline/warehouse/home.ts'
import { backupLedger, checkLedger, initLedger, restoreLedger } from '../../pipeline/warehouse/ledger-files.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { action, type CommandSession, holdingLedger } from '../session.ts'

interface Held<O> {
  session: CommandSession
  options: O
  args: string[]
  project: Project
  places: Places
}

/** Loads the project and holds the ledger while `work` runs. */
function holding<O extends CommonOptions>(work: (held: Held<O>) => Promise<number>) {
  return action<O>(async (session, options, args) => {
    const project = await session.load()
    const places = placesOf(session.root, project.config.target)
    return holdingLedger(session, options.wait, places.ledger, () => work({ session, options, args, project, places }))
  })
}

export function register(program: Command): void {
  const ledger = program.command('ledger').description('the home and health of the ledger')
  addCommonOptions(ledger.command('init').description('create the ledger, and print its id')).action(
    holding(async ({ session: { report, root }, options, places }) => {
      const { info, created } = await initLedger(places, new Date())
      if (options.output === 'json') report.json({ ...info, created })
      else report.out(info.ledger_id)
      report.line(
        `${relative(root, places.ledger)} ${created ? 'created' : 'was there already'}. For a live target: ledger_id: ${info.ledger_id}`,
      )
      return 0
    }),
  )
  addCommonOptions(ledger.command('backup <file>').description('copy the ledger, whole')).action(
    holding(async ({ session: { report }, args, places }) => {
      const info = await backupLedger(places, resolve(args[0]!))
      report.line(`${info.ledger_id}, generation ${info.generation}, copied to ${args[0]}`)
      return 0
    }),
  )
  addCommonOptions(ledger.command('restore <file>').description('put a backup in its place'))
    .option('--force', 'even if it is older, or another ledger', false)
    .action(
      holding<CommonOptions & { force: boolean }>(async ({ session: { report, root }, args, options, places }) => {
        const { info, kept } = await restoreLedger(places, resolve(args[0]!), options.force)
        report.line(
          `${info.ledger_id}, generation ${info.generation}, restored${kept === undefined ? '' : `; the one before is ${relative(root, kept)}`}`,
        )
        return 0
      }),
    )
  addCommonOptions(ledger.command('check').description('read all of it, and the lake it speaks of')).action(
    holding(async ({ session: { report }, options, project, places }) => {
      const { info, findings } = await checkLedger(places, project.tables, project.config.target.ledger_id)
      if (options.output === 'json') report.json({ ...info, findings })
      else
        report.out(
          `${info.ledger_id}  schema ${info.schema_version}  generation ${info.generation}  ${findings.length === 0 ? 'sound' : ''}`,
        )
      for (const finding of findings) report.problem(finding)
      return findings.length === 0 ? 0 : 1
    }),
  )
  addCommonOptions(
    ledger.command('pull').description("fetch the ledger from its home (the target's pull command)"),
  ).action(
    holding(async ({ session: { report, root }, project, places }) => {
      needsHome(project)
      pullLedger(root, project.config.target, places)
      report.line('pulled')
      return 0
    }),
  )
  addCommonOptions(ledger.command('push').description("store the ledger at its home (the target's push command)"))
    .requiredOption('--expected <generation>', 'the generation that the home has now', Number)
    .action(
      holding<CommonOptions & { expected: number }>(async ({ session: { report, root }, options, project, places }) => {
        needsHome(project)
        const { info } = await checkLedger(places, [], undefined)
        pushLedger(root, project.config.target, places, options.expected, info.generation)
        report.line(`pushed generation ${info.generation}`)
        return 0
      }),
    )
}

function needsHome({ config }: Project): void {
  if (typeof config.target.ledger !== 'string') return
  const message = `target '${config.target_name}' keeps its ledger on this machine`
  throw new ProjectError([
    { file: 'pipeline.yaml', message, hint: 'ledger: { path: ..., pull: ..., push: ... } gives it a home elsewhere.' },
  ])
}
