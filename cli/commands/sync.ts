import { resolve } from 'node:path'
import type { Command } from 'commander'
import { EXIT, ProjectError } from '../../pipeline/errors.ts'
import { watchIncoming } from '../../pipeline/incoming.ts'
import type { Project } from '../../pipeline/load.ts'
import { foldPauses, pauseText } from '../../pipeline/pauses.ts'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { readYaml } from '../../pipeline/yaml.ts'
import { switchedOn } from '../../sync/crms.ts'
import type { SyncOrders } from '../../sync/orders.ts'
import { type Settings, settings } from '../../sync/settings.ts'
import { setUp } from '../../sync/setup.ts'
import { withFreeHttp } from '../free-http.ts'
import { addBuildOptions, addCommonOptions, type CommonOptions, type RunFlags } from '../options.ts'
import { readMessages } from '../read-messages.ts'
import { runPlan } from '../run-plan.ts'
import { action, type CommandSession, realEffects } from '../session.ts'
import { textTable } from '../table.ts'

const KINDS = ['seed', 'model', 'snapshot', 'step', 'test', 'unit_test'] as const

type Flags = Omit<RunFlags, 'stage'> & { yes?: boolean }

/** The CRM, step by step: what `pipeline run` does at its end. */
export function register(program: Command): void {
  const sync = program.command('sync').description('the CRM: plan, apply, undo, retry, setup')
  const acting = (name: string, description: string) =>
    addCommonOptions(addBuildOptions(sync.command(name).description(description)))
  acting('plan', 'what would be written, field by field, into target/sync_plan.json; writes nothing').action(
    action<Flags>((session, options) => syncRun(session, options, {}, false)),
  )
  acting('apply [plan]', 'write it; with a plan file that and nothing else, refused if the world moved under it')
    .option('--yes', 'although sync.guard would stop it', false)
    .action(
      action<Flags>((session, options, [plan]) =>
        syncRun(session, options, {
          yes: options.yes ?? false,
          ...(plan === undefined ? {} : { apply: resolve(plan) }),
        }),
      ),
    )
  acting('undo <id>', 'write the inverse of one write (sync_id) or run, but for what somebody changed since')
    .option('--dry-run', 'only say what it would come to', false)
    .action(action<Flags>((session, options, [id]) => syncRun(session, options, { undo: id! }, !options.dryRun)))
  acting('retry', 'apply, and send again what was rejected').action(
    action<Flags>((session, options) => syncRun(session, options, { retry: true })),
  )
  addCommonOptions(sync.command('setup').description('which properties of ours the CRM lacks'))
    .option('--create', 'make them', false)
    .action(action<CommonOptions & { create: boolean }>(setup))
}

async function syncRun(
  session: CommandSession,
  options: Flags,
  orders: Partial<SyncOrders>,
  acts = true,
): Promise<number> {
  if (acts) refuseUnlessLive(await session.load())
  const flags: RunFlags = { ...options, select: [], exclude: [], stage: ['sync'], dryRun: false }
  const asking = { orders: { sync: orders }, ...(acts ? {} : { live_for: [] }) }
  return runPlan(session, flags, 'run', KINDS, undefined, asking)
}

function refuseUnlessLive({ config }: Project): void {
  if (config.target.live.includes('sync')) return
  throw new ProjectError([
    {
      file: 'pipeline.yaml',
      message: `target ${config.target_name} is not live for sync: nothing is written`,
      hint: `Give it live: [sync] and its ledger_id, or name another with --target. pipeline sync plan shows what would be written.`,
    },
  ])
}

async function setup(session: CommandSession, options: CommonOptions & { create: boolean }): Promise<number> {
  const { report } = session
  const project = await session.load()
  if (options.create) {
    refuseUnlessLive(project)
    await refuseWhilePaused(project)
  }
  const crms = await crmsOf(session, project)
  const effects = realEffects()
  const as_of = effects.now().toISOString().slice(0, 10)
  const rows = await withFreeHttp(project, 'setup', effects, async (http) => {
    const found = []
    for (const crm of crms)
      found.push(
        ...(await setUp(
          crm,
          { root: project.root, http, as_of, now: effects.now, signal: effects.signal },
          options.create,
        )),
      )
    return found
  })
  if (options.output === 'json') report.json(rows)
  else if (rows.length > 0)
    report.out(
      textTable(
        rows.map((row) => ({ ...row })),
        ['crm', 'object', 'property', 'type', 'unique', 'state'],
        options.output,
      ),
    )
  const count = (state: string) => rows.filter((row) => row.state === state).length
  const words = options.create
    ? `${count('made')} made`
    : `${count('missing')} missing${count('missing') > 0 ? ': pipeline sync setup --create' : ''}`
  report.line(`${rows.length} properties of ours: ${words}, ${count('wrong')} wrong`)
  return count('wrong') + count('missing') > 0 ? EXIT.failed : EXIT.ok
}

async function refuseWhilePaused({ root, config }: Project): Promise<void> {
  const messages = await readMessages(placesOf(root, config.target), watchIncoming, 'pause', 'resume')
  const pause = foldPauses(messages).find(({ what }) => what === 'sync')
  if (pause !== undefined) throw new ProjectError([{ file: 'pipeline sync setup', message: pauseText(pause) }])
}

async function crmsOf(session: CommandSession, { root, config }: Project) {
  const problems: ProjectError['problems'][number][] = []
  const yaml = readYaml(root, session.loadOptions.config_file, problems)
  const part = (config.data as { sync?: unknown }).sync
  const parsed: Settings = settings.parse(part ?? undefined)
  const crms = yaml === undefined ? [] : await switchedOn({ root, settings: parsed, config: yaml, problems })
  if (problems.length > 0) throw new ProjectError(problems)
  return crms
}
