import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Graph } from '../graph.ts'

/**
 * `target/compiled/<project>/<file>`: what DuckDB is given; of the generic tests, those in `tests` alone, since a project has
 * several for each model and few are ever looked at. Files that already say so are left alone; since `known_ms`, when the
 * same was written, a file of the right length that nobody has touched is one.
 */
export function writeCompiled(
  graph: Graph,
  project: string,
  target: string,
  tests: ReadonlySet<string>,
  known_ms?: number,
): void {
  const folder = join(target, 'compiled', project)
  const empty = !existsSync(folder)
  const made = new Set<string>()
  for (const node of graph.nodes.values()) {
    if (node.kind !== 'model' && node.kind !== 'analysis' && node.kind !== 'test') continue
    if (node.kind === 'test' && node.generic !== undefined && !tests.has(node.id)) continue
    const name = node.kind === 'test' && node.generic !== undefined ? `${node.file}/${node.name}.sql` : node.file
    const path = `${folder}/${name}`
    const text = `${node.sql}\n`
    if (!empty && says(path, text, known_ms)) continue
    const parent = dirname(path)
    if (!made.has(parent)) mkdirSync(parent, { recursive: true })
    made.add(parent)
    // Not by way of a draft: half a file is seen the next time and written again.
    writeFileSync(path, text)
  }
}

function says(path: string, text: string, known_ms: number | undefined): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined || stat.size !== Buffer.byteLength(text)) return false
  if (known_ms !== undefined && stat.mtimeMs <= known_ms) return true
  return readFileSync(path, 'utf8') === text
}
