import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { messageOf, ProjectError } from '../errors.ts'
import { hashFile } from '../hash.ts'
import { type LoadOptions, loadProject, type Project } from '../load.ts'
import { openDatabase } from '../warehouse/duckdb.ts'
import { type Comparison, compare, type Previous } from './compare.ts'
import { fingerprintsOf, sqlOf } from './fingerprint.ts'
import { manifestPrevious } from './manifest-previous.ts'
import { readPublishedNodes, readSources } from './publication.ts'
import { parseTrees } from './tree.ts'

/** What has changed in a project since the state that `--state` names, or since it was last published. */
export async function compareWith(
  project: Project,
  state: string | undefined,
  options: LoadOptions,
  warehouse: string,
): Promise<Comparison> {
  const previous = await previousState(project, state, options, warehouse)
  const now = fingerprintsOf(project.graph, hashFile)
  return compare(project.graph, now, previous, async (texts) => {
    if (texts.length === 0) return []
    const database = await openDatabase({})
    try {
      const trees = await parseTrees(await database.connect(), texts)
      return trees.map(({ hash }) => hash)
    } finally {
      database.close()
    }
  })
}

/** What `state:` compares with: a folder with a manifest.json or a git ref when `--state` names one, else the last publication. */
async function previousState(
  project: Project,
  state: string | undefined,
  options: LoadOptions,
  warehouse: string,
): Promise<Previous> {
  if (state === undefined) return published(warehouse)
  const place = resolve(project.root, state)
  if (existsSync(place)) {
    const file = statSync(place).isDirectory() ? join(place, 'manifest.json') : place
    if (existsSync(file)) return manifestPrevious(file, project)
  }
  return atRef(project.root, state, options)
}

function published(warehouse: string): Previous {
  const kept = readPublishedNodes(warehouse)
  if (kept === undefined) {
    throw new ProjectError([
      {
        file: 'state:',
        message: 'there is nothing to compare with: nothing has been published yet',
        hint: 'pipeline run, or name a git ref or a folder: --state main',
      },
    ])
  }
  return { name: 'the last publication', prints: new Map(Object.entries(kept.nodes)) }
}

/** The project as it was at a commit, compiled by the program of today. */
async function atRef(root: string, ref: string, options: LoadOptions): Promise<Previous> {
  return withProjectAt(root, ref, options, '--state', async (was, commit) => {
    const { nodes } = was.graph
    return {
      name: `${ref} (${commit.slice(0, 7)})`,
      prints: fingerprintsOf(was.graph, hashFile),
      sqlOf: (id) => sqlOf(nodes.get(id)),
    }
  })
}

/**
 * Does `work` with the project as it was at a commit: its files lie in a folder of their own meanwhile. `flag` is what
 * named the ref, for messages. Throws ProjectError when there is no such ref, or it cannot be compiled today.
 */
export async function withProjectAt<T>(
  root: string,
  ref: string,
  options: LoadOptions,
  flag: string,
  work: (project: Project, commit: string) => Promise<T>,
): Promise<T> {
  const git = (args: readonly string[], extra: { cwd?: string; env?: Record<string, string>; input?: string } = {}) =>
    execFileSync('git', args, {
      cwd: extra.cwd ?? root,
      env: { ...process.env, ...extra.env },
      input: extra.input,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      stdio: ['pipe', 'pipe', 'pipe'],
    }).trim()
  let commit: string
  try {
    commit = git(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`])
  } catch {
    const what = flag === '--state' ? 'neither a folder nor a git ref' : 'no git ref'
    const or = flag === '--state' ? ', or a folder that holds a manifest.json' : ''
    const hint = `Name a git branch, tag or commit${or}.`
    throw new ProjectError([{ file: flag, message: `'${ref}' is ${what}`, hint }])
  }
  const folder = mkdtempSync(join(tmpdir(), 'lead-engine-ref-'))
  try {
    return await work(await loadedAt(root, commit, folder, git, options), commit)
  } catch (error) {
    if (!(error instanceof NotCompiled)) throw error
    throw new ProjectError([
      {
        file: flag,
        message: `the project at ${ref} (${commit.slice(0, 7)}) cannot be compiled: ${error.message}`,
        hint: 'Name a commit that this program understands.',
      },
    ])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

class NotCompiled extends Error {}

async function loadedAt(
  root: string,
  commit: string,
  folder: string,
  git: (args: readonly string[], extra?: { cwd?: string; env?: Record<string, string>; input?: string }) => string,
  options: LoadOptions,
): Promise<Project> {
  try {
    const top = git(['rev-parse', '--show-toplevel'])
    const tree = `${commit}:${git(['rev-parse', '--show-prefix'])}`
    const env = { GIT_INDEX_FILE: join(folder, 'index') }
    const there = join(folder, 'project')
    mkdirSync(there)
    git(['read-tree', tree], { cwd: top, env })
    const files = git(['ls-tree', '-r', '-z', '--name-only', tree], { cwd: top })
      .split('\0')
      .filter((file) => file !== '' && !/\.(ts|mjs|js|lock)$/.test(file))
    git(['checkout-index', '-q', '-z', '--stdin', `--prefix=${there}/`], { cwd: top, env, input: files.join('\0') })
    return await loadProject({ ...options, root: there, config_file: configAt(options, root, there) })
  } catch (error) {
    throw new NotCompiled(error instanceof ProjectError ? firstProblem(error) : messageOf(error))
  }
}

function firstProblem({ problems }: ProjectError): string {
  const [{ file, line, message } = { file: '', line: undefined, message: '' }] = problems
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  return `${file}${line === undefined ? '' : `:${line}`} ${message}${more}`
}

/** The configuration file as it was, if it is one of the project. */
function configAt({ config_file }: LoadOptions, root: string, there: string): string {
  const path = resolve(root, config_file)
  const inside = relative(root, path)
  if (inside.startsWith('..') || isAbsolute(inside)) return path
  return existsSync(join(there, inside)) ? join(there, inside) : path
}

/** Node id → status, from a `run_results.json`; steps stand there under the tables they build. */
export function readResults(target: string, project: Project): Map<string, string> {
  const statuses = new Map<string, string>()
  try {
    const { results } = JSON.parse(readFileSync(join(target, 'run_results.json'), 'utf8')) as {
      results: { unique_id: string; status: string }[]
    }
    for (const { unique_id, status } of results) statuses.set(unique_id, status)
  } catch {
    return statuses
  }
  for (const node of project.graph.nodes.values()) {
    if (node.kind !== 'step') continue
    for (const { name } of node.step.builds ?? []) {
      const status = statuses.get(`model.${node.fqn[0]}.${name}`)
      if (status !== undefined) statuses.set(node.id, status)
    }
  }
  return statuses
}

/**
 * Source id → its status by `target/sources.json`, and whether it holds later rows than in the state compared with: the
 * `sources.json` of a folder, else what was known at the last publication. A source that was not known is fresher.
 */
export function sourceStatuses(
  target: string,
  folder: string | undefined,
  warehouse: string,
): Map<string, { status: string; fresher: boolean }> {
  const before = new Map(
    folder !== undefined && existsSync(join(folder, 'sources.json'))
      ? [...readSources(folder)].map(([id, { max_loaded_at }]) => [id, max_loaded_at] as const)
      : Object.entries(readPublishedNodes(warehouse)?.sources ?? {}),
  )
  return new Map(
    [...readSources(target)].map(([id, { status, max_loaded_at }]) => {
      const was = before.get(id)
      const fresher = max_loaded_at !== undefined && (was === undefined || Date.parse(max_loaded_at) > Date.parse(was))
      return [id, { status, fresher }]
    }),
  )
}
