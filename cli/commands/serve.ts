import { join } from 'node:path'
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { loadDesk } from '../../outreach/load-desk.ts'
import { codeRoot } from '../../pipeline/code-root.ts'
import { EXIT, type Problem, ProjectError } from '../../pipeline/errors.ts'
import type { Project } from '../../pipeline/load.ts'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { loadScoring } from '../../scoring/load.ts'
import { readApp } from '../../serve/app.ts'
import type { Outcomes } from '../../serve/context.ts'
import { startServer } from '../../serve/server.ts'
import { settings as serveSettings } from '../../serve/settings.ts'
import { isLoopback, readUsers } from '../../serve/users.ts'
import { hooksOf } from '../../sync/hooks.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { action, type CommandSession, realEffects } from '../session.ts'
import { type Work, workUntilStopped } from '../work.ts'

interface Options extends CommonOptions {
  host?: string
  port?: number
  work: boolean
}

export function register(program: Command): void {
  const command = program
    .command('serve')
    .description('the scoring API and the dashboard, over what was published; holds no lock')
    .option('--host <address>', 'where to listen; beyond this machine only with serve.users')
    .option('--port <number>', 'on which port; 0: whichever is free', parsePort)
    .option('--work', 'also read replies, send what is due and tell who is to be told, again and again', false)
  addCommonOptions(command).action(action<Options>(serve))
}

async function serve(session: CommandSession, options: Options): Promise<number> {
  const { report, root, loadOptions } = session
  const project = await session.load()
  const { config } = project
  const written = (config.data.serve ?? {}) as object
  const settings = serveSettings.parse({
    ...written,
    ...(options.host === undefined ? {} : { host: options.host }),
    ...(options.port === undefined ? {} : { port: options.port }),
  })
  const problems: Problem[] = []
  const users = readUsers(settings, loadOptions.env, problems, (path) => config.yaml.lineOf(path))
  if (settings.users.length === 0 && !isLoopback(settings.host)) {
    problems.push({
      file: config.yaml.file,
      line: config.yaml.lineOf(['serve']),
      message: `serve would be open to everybody who reaches ${settings.host}: there are no users`,
      hint: 'Name them below serve.users, or listen on 127.0.0.1.',
    })
  }
  if (problems.length > 0) throw new ProjectError(problems)
  const places = placesOf(root, config.target)
  const effects = realEffects()
  const running = await startServer({
    settings,
    users,
    warehouse: places.warehouse,
    data: places.data,
    threads: config.target.threads,
    env: loadOptions.env,
    budget: config.data.budget,
    artifacts: join(root, 'target'),
    outcomes: await outcomesOf(project),
    hooks: await hooksOf(project),
    now: effects.now,
    fault: (message) => report.line(`a fault of ours: ${message}`),
    app: await readApp(codeRoot()),
    async loadScoring() {
      const found: Problem[] = []
      const cards = config.data.scoring as Parameters<typeof loadScoring>[1]
      const scoring = await loadScoring(root, cards, config.yaml, found)
      if (scoring === undefined) throw new ProjectError(found)
      return scoring
    },
  })
  report.line(`serving ${running.url}, docs at ${running.url}/docs`)
  if (options.output === 'json') report.json({ url: running.url })
  const stopped = new Promise<void>((done) => {
    if (effects.signal.aborted) done()
    else effects.signal.addEventListener('abort', () => done(), { once: true })
  })
  const work = options.work
    ? workUntilStopped(workOf(session, project, options, settings.work.every_s), effects)
    : stopped
  await stopped
  await running.close()
  await work
  return EXIT.ok
}

/** What `--work` runs: replies first, so that who has answered is not written to; it sends only where the target is live for it. */
function workOf(session: CommandSession, { config }: Project, options: Options, every_s: number): Work {
  const sends = config.target.live.includes('send')
  const words = (name: string, values: readonly string[]) => values.flatMap((value) => [name, value])
  const vars = Object.keys(options.vars).length === 0 ? [] : ['--vars', JSON.stringify(options.vars)]
  return {
    commands: [['replies'], ...(sends ? [['send']] : []), ...(config.data.notify === undefined ? [] : [['notify']])],
    common: [
      ...['--quiet', '--project-dir', session.root, '--config', session.loadOptions.config_file],
      ...['--target', config.target_name, ...words('--set', options.set), ...vars],
    ],
    cwd: session.root,
    env: process.env,
    every_s,
    problem: (text) => session.report.problem(text),
  }
}

/** What may be said of tasks, by the channels that make them. */
async function outcomesOf(project: Project): Promise<Outcomes> {
  const channels = [...(await loadDesk(project))]
  return Object.fromEntries(
    channels.flatMap(([name, { channel }]) => (channel.tasks ? [[name, channel.tasks.outcomes]] : [])),
  )
}

function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError('must be 0 to 65535')
  return Number(text)
}
