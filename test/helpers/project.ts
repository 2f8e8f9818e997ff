import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Problem, ProjectError } from '../../pipeline/errors.ts'
import { loadProject, type Project, type RoomDoor } from '../../pipeline/load.ts'
import type { Step } from '../../pipeline/step.ts'

export const CONFIG = `name: demo
target: dev
targets:
  dev: { warehouse: data/warehouse.duckdb, ledger: data/ledger.duckdb, exports: data/exports, threads: 2 }
models:
  staging: { materialized: view }
  marts: { materialized: table }
`

/** A throw-away project folder with these files; `pipeline.yaml` is the smallest that works unless given. */
export function projectFolder(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'lead-engine-project-'))
  for (const [file, text] of Object.entries({ 'pipeline.yaml': CONFIG, ...files })) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  return root
}

/** A room that brings these steps. */
export function roomOf(...steps: Step[]): RoomDoor {
  return { sections: {}, load: async () => ({ steps, tables: [] }) }
}

export function load(
  root: string,
  options: {
    steps?: Step[]
    set?: string[]
    vars?: Record<string, unknown>
    target?: string
    env?: Record<string, string>
    store_failures?: boolean
  } = {},
): Promise<Project> {
  const { set = [], vars = {}, target, env = {}, store_failures } = options
  return loadProject({
    root,
    config_file: 'pipeline.yaml',
    set,
    vars,
    store_failures,
    target,
    env,
    rooms: [roomOf(...(options.steps ?? []))],
  })
}

/** The problems a project has, as `file:line  message`. */
export async function problemsOf(
  files: Record<string, string>,
  options: Parameters<typeof load>[1] = {},
): Promise<string[]> {
  try {
    await load(projectFolder(files), options)
    return []
  } catch (error) {
    if (!(error instanceof ProjectError)) throw error
    return error.problems.map(
      ({ file, line, message, hint }: Problem) =>
        `${file}${line === undefined ? '' : `:${line}`}  ${message}${hint === undefined ? '' : ` | ${hint}`}`,
    )
  }
}
