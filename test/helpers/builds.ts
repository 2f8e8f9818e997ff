import { rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { planRun } from '../../pipeline/plan.ts'
import type { NodeResult } from '../../pipeline/results.ts'
import { type RunResult, run } from '../../pipeline/run.ts'
import type { Step } from '../../pipeline/step.ts'
import type { Row } from '../../pipeline/warehouse/duckdb.ts'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { openSession } from '../../pipeline/warehouse/session.ts'
import { load, projectFolder } from './project.ts'

export interface Builds {
  root: string
  /** Replaces files of the project. */
  write(files: Record<string, string>): void
  build(options?: { as_of?: string; full_refresh?: boolean; select?: string[]; set?: string[] }): Promise<RunResult>
  /** What became of a node in the last build. */
  result(name: string): NodeResult
  /** Reads from the build file. */
  rows<T = Row>(sql: string): Promise<T[]>
  /** Deletes the build file; the ledger stays. */
  forget(): Promise<void>
}

/** A throw-away project of SQL and seeds that is really built, in files, as `pipeline build` does. */
export function builds(files: Record<string, string>, steps: Step[] = []): Builds {
  const root = projectFolder(files)
  let last: RunResult | undefined
  const places = async () => placesOf(root, (await load(root, { steps })).config.target)
  return {
    root,
    write(changed) {
      for (const [file, text] of Object.entries(changed)) writeFileSync(join(root, file), text)
    },
    async build({ as_of = '2026-11-22', full_refresh = false, select = [], set = [] } = {}) {
      const project = await load(root, { set, steps })
      const kinds = new Set(['seed', 'model', 'snapshot', 'test', 'step'] as const)
      const plan = planRun(project.graph, { kinds, select, exclude: [], stages: [] })
      const now = () => new Date('2026-11-30T08:00:00Z')
      const listener = {}
      const effects = { now, sleep: async () => {}, random: () => 0.5, signal: new AbortController().signal }
      const calls = { command: 'build', call: 'pipeline build', git_commit: null }
      last = await run({ project, plan, ...calls, as_of, full_refresh, fail_fast: false, listener, effects })
      return last
    },
    result: (name) => last!.results.find(({ node }) => node.name === name)!,
    async rows(sql) {
      const project = await load(root, { steps })
      const { build, ledger } = await places()
      const session = await openSession({ build, ledger, as_of: '2026-11-22', read_only: true })
      try {
        const nodes = [...project.graph.nodes.values()]
        await session.useSchemas(nodes.flatMap((node) => ('relation' in node ? [node.relation.schema] : [])))
        return await session.connection.rows(sql)
      } finally {
        session.close()
      }
    },
    async forget() {
      rmSync(dirname((await places()).build), { recursive: true })
    },
  }
}
