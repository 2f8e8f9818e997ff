import { join } from 'node:path'
import { ensureStepTables } from '../../pipeline/context.ts'
import { Executor } from '../../pipeline/execute.ts'
import { hashFile } from '../../pipeline/hash.ts'
import { planRun } from '../../pipeline/plan.ts'
import type { NodeResult } from '../../pipeline/results.ts'
import type { Step } from '../../pipeline/step.ts'
import { ensureRawTables } from '../../pipeline/warehouse/ledger.ts'
import { createSourceViews } from '../../pipeline/warehouse/sources.ts'
import { BuildState } from '../../pipeline/warehouse/state.ts'
import { load, projectFolder } from './project.ts'
import { type TestWorld, world } from './world.ts'

export interface Built {
  world: TestWorld
  root: string
  results: NodeResult[]
  /** By name: the status, and the message. */
  status: Record<string, string>
  message: Record<string, string>
}

const KINDS = new Set(['seed', 'model', 'step', 'test', 'unit_test'] as const)

/** Builds and tests a throw-away project in memory; `again` does it once more in the same world, with files changed. */
export async function buildProject(
  files: Record<string, string>,
  options: {
    again?: TestWorld
    steps?: Step[]
    as_of?: string
    select?: string[]
    kinds?: ReadonlySet<NodeResult['node']['kind']>
  } = {},
): Promise<Built> {
  const root = projectFolder(files)
  const project = await load(root, { steps: options.steps })
  const w = options.again ?? (await world({ as_of: options.as_of }))
  w.world.paths = { ...w.world.paths, root }
  const { session } = w.world
  const nodes = [...project.graph.nodes.values()]
  await session.useSchemas(new Set(nodes.flatMap((node) => ('relation' in node ? [node.relation.schema] : []))))
  await ensureRawTables(session.connection, project.tables)
  await createSourceViews(session, join(w.world.paths.data, 'lake'), project.tables)
  await ensureStepTables(
    session,
    nodes.flatMap((node) => (node.kind === 'step' ? [node.step] : [])),
  )
  const plan = planRun(project.graph, {
    kinds: options.kinds ?? KINDS,
    select: options.select ?? [],
    exclude: [],
    stages: [],
  })
  const executor = new Executor({
    graph: project.graph,
    world: w.world,
    state: await BuildState.open(session),
    full_refresh: false,
    fail_fast: false,
    listener: {},
    hashOf: hashFile,
  })
  await executor.run(plan.inner)
  const results = [...executor.results.values()]
  return {
    world: w,
    root,
    results,
    status: Object.fromEntries(results.map(({ node, status }) => [node.name, status])),
    message: Object.fromEntries(results.map(({ node, message }) => [node.name, message])),
  }
}
