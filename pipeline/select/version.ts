import type { Graph } from '../graph.ts'
import type { GraphNode } from '../nodes.ts'

/** Versions of one model, by what its versions have in common. */
function family({ id, version }: GraphNode): string {
  const end = `.v${version}`
  return version !== undefined && id.endsWith(end) ? id.slice(0, -end.length) : id
}

/** The latest version is what the property file says, else the highest. */
export function versionMatcher(
  wanted: 'latest' | 'prerelease' | 'old' | 'none',
  graph: Graph,
): (node: GraphNode) => boolean {
  const said = new Map<string, string>()
  const highest = new Map<string, string>()
  for (const node of graph.nodes.values()) {
    if (node.kind !== 'model' || node.version === undefined) continue
    const latest = (node as { latest_version?: string | number }).latest_version ?? node.config.latest_version
    if (latest !== undefined && latest !== null) said.set(family(node), String(latest))
    const known = highest.get(family(node))
    if (known === undefined || compareVersions(node.version, known) > 0) highest.set(family(node), node.version)
  }
  return (node) => {
    if (node.kind !== 'model') return false
    if (node.version === undefined) return wanted === 'none'
    const order = compareVersions(node.version, said.get(family(node)) ?? highest.get(family(node))!)
    return { latest: order === 0, prerelease: order > 0, old: order < 0, none: false }[wanted]
  }
}

/** As numbers where both are, else as texts. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [Number(a), Number(b)]
  if (!Number.isNaN(left) && !Number.isNaN(right)) return left - right
  return a < b ? -1 : a > b ? 1 : 0
}
