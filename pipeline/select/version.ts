import type { GraphNode } from '../nodes.ts'

/** A version beside the one that is the latest: the property file says which that is, else it is the highest. */
export function versionMatcher(wanted: 'latest' | 'prerelease' | 'old' | 'none'): (node: GraphNode) => boolean {
  return (node) => {
    if (node.kind !== 'model') return false
    if (node.versioning === undefined) return wanted === 'none'
    const order = compareVersions(node.versioning.version, node.versioning.latest)
    return { latest: order === 0, prerelease: order > 0, old: order < 0, none: false }[wanted]
  }
}

/** As numbers where both are, else as texts. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [Number(a), Number(b)]
  if (!Number.isNaN(left) && !Number.isNaN(right)) return left - right
  return a < b ? -1 : a > b ? 1 : 0
}
