import type { GraphNode } from '../nodes.ts'

/** Whether the setting at a path has the value: itself, as an item of a list, or as a key of a mapping. dbt's `config.*`. */
export function matchesConfig(node: GraphNode, path: readonly string[], value: string): boolean {
  const own = node.kind === 'test' ? { severity: node.severity, ...node.config } : node.config
  let found: unknown = { enabled: true, ...own }
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !(key in found)) return false
    found = (found as Record<string, unknown>)[key]
  }
  const folded = path.length === 1 && path[0] === 'severity'
  const equal = (item: unknown): boolean => {
    if (typeof item === 'boolean') return String(item) === value.toLowerCase()
    if (typeof item === 'object' || item === undefined) return false
    return folded ? String(item).toLowerCase() === value.toLowerCase() : String(item) === value
  }
  if (Array.isArray(found)) return found.some(equal)
  if (typeof found === 'object' && found !== null) return value in found
  return equal(found)
}
