import { hash } from 'node:crypto'
import type { Graph } from '../graph.ts'

/** What a node is built from, part by part: when none has changed, what stands is what would be built. */
export interface KeyParts {
  /** The tree of a model's or a test's SQL. */
  sql?: string
  /** Hash of a seed's CSV. */
  file?: string
  /** How it is built: the settings that count. */
  config?: unknown
  /** What is promised of its columns. */
  contract?: unknown
  /** Where it is built. */
  relation?: unknown
  /** The date, where it is read. */
  as_of?: string | null
  /** What a step says of itself. */
  fingerprint?: string | null
  /** What a step may do to the world. */
  live?: unknown
  /** What it reads: id → version. */
  reads: Record<string, string>
}

const PARTS = [
  ['sql', 'SQL changed'],
  ['file', 'file changed'],
  ['fingerprint', 'settings changed'],
  ['config', 'config changed'],
  ['contract', 'contract changed'],
  ['relation', 'another schema or name'],
  ['live', 'another reach'],
] as const

/** The parts as the build file keeps them: equal texts, equal builds. Versions are shortened: they can be long. */
export function keyText(parts: Omit<KeyParts, 'reads'>, reads: readonly (readonly [string, string])[]): string {
  const short = [...reads]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([id, version]) => [id, shortened(version)])
  return JSON.stringify({ ...parts, reads: Object.fromEntries(short) as Record<string, string> })
}

const known = new Map<string, string>()

function shortened(version: string): string {
  let short = known.get(version)
  if (short === undefined) {
    short = hash('sha1', version, 'base64').slice(0, 16)
    known.set(version, short)
  }
  return short
}

/** Whether two keys agree but for the versions of what is passed over. */
export function sameBut(before: string, now: string, passedOver: (id: string) => boolean): boolean {
  const without = (key: string) => {
    const parts = parsed(key)
    return (
      parts &&
      JSON.stringify([
        { ...parts, reads: null },
        Object.entries(parts.reads).map(([id, version]) => [id, passedOver(id) ? '' : version]),
      ])
    )
  }
  const old = without(before)
  return old !== undefined && old === without(now)
}

/** Why what was built with the key `before` is not what `now` says; for people, most telling first. */
export function reasonOf(before: string | undefined, now: string, graph: Graph): string {
  if (before === undefined) return 'new'
  const [old, parts] = [parsed(before), parsed(now)]
  if (old === undefined || parts === undefined) return 'built by another version of the program'
  const differs = (part: keyof KeyParts) => JSON.stringify(old[part]) !== JSON.stringify(parts[part])
  const reasons: string[] = PARTS.flatMap(([part, words]) => (differs(part) ? [words] : []))
  const reads = readsChanged(old.reads, parts.reads, graph).filter(
    (text) => !differs('sql') || text.endsWith(' changed'),
  )
  reasons.push(...reads.slice(0, 3), ...(reads.length > 3 ? [`and ${reads.length - 3} more`] : []))
  if (differs('as_of')) reasons.push('as of another date')
  return reasons.join(', ') || 'built otherwise before'
}

function readsChanged(old: Record<string, string>, now: Record<string, string>, graph: Graph): string[] {
  const say = (id: string) => {
    const node = graph.nodes.get(id)
    return node?.kind === 'source' ? `source ${node.source}.${node.table}` : `upstream ${node?.name ?? id}`
  }
  const changed = Object.entries(now).flatMap(([id, version]) =>
    old[id] === version ? [] : [`${say(id)} ${id in old ? 'changed' : 'is read now'}`],
  )
  const gone = Object.keys(old).flatMap((id) => (id in now ? [] : [`${say(id)} is read no more`]))
  return [...changed, ...gone]
}

function parsed(key: string): KeyParts | undefined {
  if (!key.startsWith('{')) return undefined
  try {
    return JSON.parse(key) as KeyParts
  } catch {
    return undefined
  }
}
