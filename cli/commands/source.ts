import { join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { sourcesOf } from '../../pipeline/artifacts/sources.ts'
import { writeArtifact } from '../../pipeline/artifacts/write.ts'
import { EXIT, ProjectError } from '../../pipeline/errors.ts'
import { type SourceAge, sourceFreshness, withFreshness } from '../../pipeline/freshness.ts'
import { selectNodes } from '../../pipeline/select.ts'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import {
  addCommonOptions,
  addSelectionOptions,
  type CommonOptions,
  parseDate,
  type SelectionOptions,
} from '../options.ts'
import { openToRead } from '../read-session.ts'
import { selectionOf } from '../selection.ts'
import { action } from '../session.ts'

type Options = CommonOptions & SelectionOptions & { asOf?: string; outputPath?: string }

export function register(program: Command): void {
  const source = program.command('source').description('what the project says of its sources')
  const command = source
    .command('freshness')
    .description('how old the sources are that say how old they may be; writes target/sources.json')
  addCommonOptions(addSelectionOptions(command))
    .option('--as-of <date>', 'look at the end of this day (UTC) instead of now', parseDate)
    .option('-o, --output-path <file>', 'write the artifact there instead of target/sources.json')
    .action(
      action<Options>(async (session, options) => {
        const { report, root, invocation_id } = session
        const project = await session.load()
        const chosen = selectNodes(project.graph, await selectionOf(session, project, options))
        const clock = performance.now()
        const at = instantOf(options.asOf)
        const ages = await look()
        const invocation = { invocation_id, generated_at: new Date().toISOString() }
        const artifact = sourcesOf(ages, invocation, (performance.now() - clock) / 1000)
        const path = options.outputPath ?? join('target', 'sources.json')
        writeArtifact(root, relative(root, resolve(root, path)), artifact)
        if (options.output === 'json') report.json(artifact)
        else for (const age of ages) report.out(lineOf(age))
        const late = ages.filter(({ status }) => status === 'error' || status === 'runtime error').length
        const counts =
          ages.length === 0
            ? 'no source says how old it may be'
            : `${ages.length} looked at, ${late} too old or unreadable`
        report.line(counts)
        return late > 0 ? EXIT.failed : EXIT.ok

        async function look(): Promise<SourceAge[]> {
          if (withFreshness(project.graph, chosen).length === 0) return []
          const opened = await openToRead(project, new Date(at.getTime() - 1).toISOString().slice(0, 10))
          const { lake } = placesOf(root, project.config.target)
          const now = () => new Date()
          return sourceFreshness({ graph: project.graph, chosen, session: opened, lake, at, now }).finally(() =>
            opened.close(),
          )
        }
      }),
    )
}

/** Now, or the end of a day that is past. */
function instantOf(as_of: string | undefined): Date {
  const now = new Date()
  if (as_of === undefined) return now
  if (as_of > now.toISOString().slice(0, 10)) {
    const hint = `Today is ${now.toISOString().slice(0, 10)} (UTC).`
    throw new ProjectError([{ file: '--as-of', message: `${as_of} is in the future`, hint }])
  }
  return new Date(Math.min(now.getTime(), Date.parse(`${as_of}T00:00:00Z`) + 86_400_000))
}

function lineOf({ node, status, max_loaded_at, age_s, error }: SourceAge): string {
  const name = `${node.source}.${node.table}`
  if (error !== undefined) return `error ${name}: ${error}`
  const { warn_after, error_after } = node.freshness
  const allowed = status === 'error' ? error_after : status === 'warn' ? warn_after : null
  const limit =
    allowed === null ? '' : `, more than ${allowed.count} ${allowed.period}${allowed.count === 1 ? '' : 's'}`
  if (max_loaded_at?.startsWith('0001-')) return `${status.padEnd(5)} ${name}: never loaded${limit}`
  return `${status.padEnd(5)} ${name}: ${ageText(age_s)} old${limit}`
}

function ageText(seconds: number): string {
  const [unit, length] =
    seconds >= 172_800
      ? (['days', 86_400] as const)
      : seconds >= 7_200
        ? (['hours', 3_600] as const)
        : (['minutes', 60] as const)
  return `${Math.max(0, Math.floor(seconds / length))} ${unit}`
}
