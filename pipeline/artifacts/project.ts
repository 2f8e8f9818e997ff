import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Graph } from '../graph.ts'
import { hashFile } from '../hash.ts'
import { writeCompiled } from './compiled.ts'
import { manifestOf, nodeEntries } from './manifest.ts'
import { type Invocation, writeArtifact } from './write.ts'

/** What the last writing left, and from what; kept in `target/.cache/project.json`. */
interface Written {
  /** Of the graph, and of the program that wrote it. */
  stamp: string
  /** The manifest's file as it was left: another one is somebody else's. */
  size: number
  mtime_ms: number
  /** Bytes up to the end of the metadata, which are other ones in each call. */
  head: number
}

const MEMORY = join('.cache', 'project.json')

/**
 * Writes `manifest.json` and `compiled/` of a whole project. When the graph is that of the last time, only the
 * manifest's metadata is new: the rest is what the file holds. `program` stands for the code that writes; `tests` are the
 * generic tests that somebody will want to look at.
 */
export function writeProject(
  graph: Graph,
  project: string,
  invocation: Invocation,
  target: string,
  program: string,
  tests: ReadonlySet<string> = new Set(),
) {
  const stamp = stampOf(graph, project, program)
  const known = readMemory(target)
  const same = known?.stamp === stamp
  writeCompiled(graph, project, target, tests, same ? known.written_ms : undefined)
  const file = join(target, 'manifest.json')
  const draft = `${file}.tmp`
  mkdirSync(target, { recursive: true })
  const out = openSync(draft, 'w')
  let left: Written
  try {
    const body = same ? bodyOf(file, known) : undefined
    const head = write(out, `{"metadata":${JSON.stringify(manifestOf(EMPTY, project, invocation).metadata)}`)
    if (body !== undefined) writeSync(out, body)
    else writeEntries(out, graph, project, invocation)
    const { size, mtimeMs } = fstatSync(out)
    left = { stamp, size, mtime_ms: mtimeMs, head }
  } finally {
    closeSync(out)
  }
  renameSync(draft, file)
  writeArtifact(target, MEMORY, left)
}

const EMPTY: Graph = { nodes: new Map(), order: [], parents: () => [], children: () => [] }

/** All that the artifacts are made from: the graph is plain data, but for the rows of its seeds. */
function stampOf(graph: Graph, project: string, program: string): string {
  const { nodes, order: _order, parents: _parents, children: _children, ...rest } = graph
  const hash = createHash('sha256').update(JSON.stringify([program, project, rest]))
  for (const node of nodes.values()) {
    hash.update(JSON.stringify(node))
    if (node.kind === 'seed') hash.update(hashFile(node.path))
  }
  return hash.digest('hex')
}

function readMemory(target: string): (Written & { written_ms: number }) | undefined {
  try {
    const file = join(target, MEMORY)
    return { ...(JSON.parse(readFileSync(file, 'utf8')) as Written), written_ms: statSync(file).mtimeMs }
  } catch {
    return undefined
  }
}

/** What follows the metadata; undefined when the file is not the one that was left. */
function bodyOf(file: string, { size, mtime_ms, head }: Written): Buffer | undefined {
  if (!existsSync(file)) return undefined
  const now = statSync(file)
  return now.size === size && now.mtimeMs === mtime_ms ? readFileSync(file).subarray(head) : undefined
}

/** Enough to write at once. */
const CHUNK = 1 << 20

/** Piece by piece: as one text the manifest of a large project takes ten times its own room. */
function writeEntries(out: number, graph: Graph, project: string, invocation: Invocation): void {
  const { metadata: _metadata, nodes: _nodes, ...rest } = manifestOf(graph, project, invocation, {})
  let text = ',"nodes":{'
  let comma = ''
  for (const [id, entry] of nodeEntries(graph, project)) {
    text += `${comma}${JSON.stringify(id)}:${JSON.stringify(entry)}`
    comma = ','
    if (text.length < CHUNK) continue
    write(out, text)
    text = ''
  }
  write(out, `${text}}`)
  for (const [key, value] of Object.entries(rest)) write(out, `,${JSON.stringify(key)}:${JSON.stringify(value)}`)
  write(out, '}')
}

/** Answers the number of bytes. */
function write(out: number, text: string): number {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; ) at += writeSync(out, bytes, at)
  return bytes.length
}
