import { readFileSync } from 'node:fs'
import { isAbsolute, relative, resolve } from 'node:path'
import type { z } from 'zod'
import { connectAsks } from './asks.ts'
import type { Advice } from './check/advice.ts'
import { compileProject } from './compile.ts'
import { groupsOf } from './compile-metadata.ts'
import { type Config, loadConfig } from './config.ts'
import type { DiffPart } from './diff/part.ts'
import { type Problem, ProjectError, unreadable } from './errors.ts'
import { buildGraph, type Graph, waitForLog } from './graph.ts'
import type { PlanPart } from './plan-part.ts'
import { type ProjectFiles, readProject } from './project.ts'
import type { Check, RoomOutput } from './room.ts'
import { roomTestNodes } from './room-tests.ts'
import { readSelectors, type Selectors } from './select/selectors-file.ts'
import type { LedgerTable } from './step.ts'
import type { YamlFile } from './yaml.ts'

/** A room as the composition root hands it over. */
export interface RoomDoor {
  /** The sections of `pipeline.yaml` that are this room's, each with its schema. */
  sections: Record<string, z.ZodType>
  load(input: {
    root: string
    config: YamlFile
    settings: Record<string, unknown>
    problems: Problem[]
  }): Promise<RoomOutput>
}

export interface LoadOptions {
  root: string
  /** `pipeline.yaml`, or what `--config` names. */
  config_file: string
  set: readonly string[]
  vars: Record<string, unknown>
  /** Tests that do not say otherwise keep the rows that fail: dbt's `--store-failures`. */
  store_failures?: boolean
  target?: string
  env: Record<string, string | undefined>
  rooms: readonly RoomDoor[]
}

/** A project that can be planned: every name resolved, every file checked. */
export interface Project {
  root: string
  config: Config
  files: ProjectFiles
  graph: Graph
  /** Every ledger table that must exist. */
  tables: LedgerTable[]
  checks: Check[]
  /** What the rooms hold their files against, beyond what is wrong. */
  advice: Advice[]
  /** What the rooms say of a change. */
  diffs: DiffPart[]
  /** What the rooms would do. */
  plans: PlanPart[]
  /** What `selectors.yml` names. */
  selectors: Selectors
}

/** Reads the whole project strictly. Throws ProjectError with every problem found. */
export async function loadProject(options: LoadOptions): Promise<Project> {
  const { root, rooms } = options
  const problems: Problem[] = []
  const config = readConfig(options, problems)
  const files = readProject(root, problems)
  const selectors = readSelectors(root, problems)
  if (config === undefined) throw new ProjectError(problems)
  const outputs: RoomOutput[] = []
  for (const room of rooms) {
    const settings = Object.fromEntries(Object.keys(room.sections).map((name) => [name, config.data[name]]))
    outputs.push(await room.load({ root, config: config.yaml, settings, problems }))
  }
  const steps = outputs.flatMap((output) => output.steps)
  const tables = [...steps.flatMap((step) => step.records ?? []), ...outputs.flatMap((output) => output.tables)]
  const { vars, store_failures } = options
  const nodes = compileProject({ files, config, steps, tables, vars, store_failures, problems })
  connectAsks(nodes, problems)
  const roomTests = outputs.flatMap((output) => output.tests ?? [])
  for (const test of roomTestNodes(roomTests, nodes, config.data.name, problems)) nodes.set(test.id, test)
  waitForLog(nodes)
  const groups = groupsOf(files, config.data.name)
  const graph: Graph = { ...buildGraph(nodes, problems), groups, selectors: selectors.written }
  if (problems.length > 0) throw new ProjectError(problems)
  const checks = outputs.flatMap((output) => output.checks ?? [])
  const advice = outputs.flatMap((output) => output.advice ?? [])
  const diffs = outputs.flatMap((output) => output.diffs ?? [])
  const plans = outputs.flatMap((output) => output.plans ?? [])
  return { root, config, files, graph, tables: distinct(tables), checks, advice, diffs, plans, selectors }
}

export function readConfig(
  { root, config_file, set, target, env, rooms }: LoadOptions,
  problems: Problem[],
): Config | undefined {
  const path = isAbsolute(config_file) ? config_file : resolve(root, config_file)
  const file = relative(root, path)
  const sections = Object.assign({}, ...rooms.map((room) => room.sections)) as Record<string, z.ZodType>
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    problems.push({
      file,
      message: unreadable(error),
      hint: 'Run in the project folder, or name it with --project-dir.',
    })
    return undefined
  }
  return loadConfig({ file, text, sections, set, target, env, problems })
}

function distinct(tables: readonly LedgerTable[]): LedgerTable[] {
  return [...new Map(tables.map((table) => [`${table.source}.${table.table}`, table])).values()]
}
