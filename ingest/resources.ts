import { messageOf, type Problem, ProjectError } from '../pipeline/errors.ts'
import { NotAsked } from '../pipeline/http.ts'
import type { Step, StepContext, StepSummary } from '../pipeline/step.ts'
import type { YamlFile } from '../pipeline/yaml.ts'
import { hashOf, resourcesOf, type SwitchedOn, tableOf } from './catalogue.ts'
import type { Icp } from './icp.ts'
import { counted, Intake, landPages, timed } from './intake.ts'

/** The steps that take in what a provider lists: one per resource, or one for a whole bulk provider. */
export async function discoverySteps(
  on: SwitchedOn,
  icp: Icp,
  input: { root: string; config: YamlFile; problems: Problem[] },
): Promise<Step[]> {
  if (on.provider.bulk !== undefined) return bulkSteps(on, icp, input)
  return resourcesOf(on)
    .filter(([, { fills }]) => fills === undefined)
    .map(([name, { description }]) => ({
      name: `${on.name}__${name}`,
      kind: 'resource',
      stage: 'discovery',
      file: `ingest/providers/${on.name}.ts`,
      description,
      reads: [],
      records: [tableOf(on, name)],
      fingerprint: hashOf([on.version, on.settings, icp]),
      run: (context) => land(context, on, name, icp),
    }))
}

async function land(context: StepContext, on: SwitchedOn, name: string, icp: Icp): Promise<StepSummary> {
  const { provider, settings } = on
  const resource = provider.resources[name]!
  const intake = new Intake(on.name, name, resource)
  const http = context.http({ service: on.name, ...provider.http!(settings) })
  const pages = timed(http, (listening) =>
    resource.pages!({ settings, icp, http: listening, as_of: context.as_of, subjects: [], fields: [] }),
  )
  const notes: string[] = []
  const landed = await landPages(context, tableOf(on, name), intake, pages).catch((error: unknown) => {
    if (!(error instanceof NotAsked)) throw error
    notes.push(error.message)
    return { rows: intake.rows, fresh: 0, rejected: intake.rejected }
  })
  const { rows, fresh, rejected } = landed
  const text = [`${counted(rows, 'row')}, ${fresh} new or changed`, ...notes, ...intake.notes()].join('; ')
  const none = rows > 0 && rejected === rows
  const failures = none ? [{ kind: 'row' as const, message: `no row of ${on.name}.${name} fits its schema` }] : []
  return { rows: rows - rejected, text, counts: { rows, fresh, rejected }, failures }
}

async function bulkSteps(
  on: SwitchedOn,
  icp: Icp,
  { root, config, problems }: { root: string; config: YamlFile; problems: Problem[] },
): Promise<Step[]> {
  const { provider, settings, name } = on
  const bulk = provider.bulk!
  let version: string | null
  try {
    version = await bulk.version(settings, root)
  } catch (error) {
    const line = config.lineOf(['discovery', 'providers', name])
    if (error instanceof ProjectError) problems.push(...error.problems)
    else problems.push({ file: config.file, line, message: `${name} cannot be read: ${messageOf(error)}` })
    return []
  }
  const step: Step = {
    name,
    kind: 'resource',
    stage: 'discovery',
    file: `ingest/providers/${name}.ts`,
    description: provider.title,
    reads: bulk.reads ?? [],
    records: resourcesOf(on).map(([table]) => tableOf(on, table)),
    fingerprint: version === null ? null : hashOf([on.version, settings, icp, version]),
    run: (context) => bulk.land({ ...context, settings, icp }),
  }
  return [step]
}
