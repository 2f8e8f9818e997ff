import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import type { Command } from 'commander'
import { codeRoot } from '../../pipeline/code-root.ts'
import { EXIT, messageOf, RemoteError } from '../../pipeline/errors.ts'
import type { Project } from '../../pipeline/load.ts'
import type { Check, CheckWorld } from '../../pipeline/room.ts'
import { PROGRAM_VERSION } from '../../pipeline/version.ts'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { lockHolder } from '../../pipeline/warehouse/lock.ts'
import { openSession } from '../../pipeline/warehouse/session.ts'
import { withFreeHttp } from '../free-http.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { action, realEffects } from '../session.ts'

interface Finding {
  what: string
  ok: boolean
  text: string
  remote?: boolean
}

export function register(program: Command): void {
  const command = program
    .command('debug')
    .description('versions, files, and whether every provider and CRM that is switched on answers')
  addCommonOptions(command).action(
    action<CommonOptions>(async ({ report, root, load }, options) => {
      const project = await load()
      const findings = [...(await ofMachine()), ...ofFiles(project), ...(await ofServices(project))]
      if (options.output === 'json') report.json(findings)
      else
        for (const { what, ok, text } of findings) report.out(`${ok ? 'ok    ' : 'FAILED'}  ${what.padEnd(24)} ${text}`)
      report.line(
        `${relative(process.cwd(), root) || '.'}: ${findings.filter(({ ok }) => !ok).length} of ${findings.length} failed`,
      )
      if (findings.every(({ ok }) => ok)) return EXIT.ok
      return findings.every(({ ok, remote }) => ok || remote) ? EXIT.remote : EXIT.failed
    }),
  )
}

async function ofMachine(): Promise<Finding[]> {
  const session = await openSession({ as_of: '2000-01-01' })
  const [duckdb] = await session.connection
    .rows<{ version: string }>('select version() as version')
    .finally(() => session.close())
  return [
    { what: 'pipeline', ok: true, text: `${PROGRAM_VERSION} in ${codeRoot()}` },
    { what: 'node', ok: true, text: process.version },
    { what: 'duckdb', ok: true, text: duckdb!.version },
  ]
}

function ofFiles({ root, config, graph, files }: Project): Finding[] {
  const places = placesOf(root, config.target)
  const holder = lockHolder(places.ledger)
  const state = (file: string) => `${relative(root, file)}${existsSync(file) ? '' : ' (not there yet)'}`
  const live = config.target.live.join(', ')
  return [
    {
      what: 'project',
      ok: true,
      text: `${config.data.name}: ${files.models.length} models, ${files.seeds.length} seeds, ${graph.nodes.size} nodes`,
    },
    {
      what: 'target',
      ok: true,
      text: `${config.target_name}${live === '' ? ', nothing leaves this machine' : `, live: ${live}`}`,
    },
    {
      what: 'ledger',
      ok: true,
      text: `${state(places.ledger)}${holder === undefined ? '' : `, held by ${holder.command} (pid ${holder.pid})`}`,
    },
    { what: 'warehouse', ok: true, text: state(places.warehouse) },
  ]
}

/** Asks what is switched on, over the same HTTP layer; what is asked here is kept nowhere. */
async function ofServices(project: Project): Promise<Finding[]> {
  if (project.checks.length === 0) return []
  const effects = realEffects()
  const { now, signal } = effects
  const as_of = now().toISOString().slice(0, 10)
  return withFreeHttp(project, 'debug', effects, (http) => {
    const world: CheckWorld = { http, as_of, now, root: project.root, signal }
    return Promise.all(project.checks.map((check) => found(check, world)))
  })
}

async function found({ name, run }: Check, world: CheckWorld): Promise<Finding> {
  try {
    return { what: name, ok: true, text: await run(world) }
  } catch (error) {
    return { what: name, ok: false, text: messageOf(error), remote: error instanceof RemoteError }
  }
}
