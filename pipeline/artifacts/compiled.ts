import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Graph } from '../graph.ts'
import { writeArtifact } from './write.ts'

/** `target/compiled/<project>/<file>`: what DuckDB is given. Files that already say so are left alone. */
export function writeCompiled(graph: Graph, project: string, target: string): void {
  for (const node of graph.nodes.values()) {
    if (node.kind !== 'model' && node.kind !== 'analysis' && node.kind !== 'test') continue
    const name = node.kind === 'test' && node.generic !== undefined ? `${node.file}/${node.name}.sql` : node.file
    const place = join('compiled', project, name)
    const text = `${node.sql}\n`
    const path = join(target, place)
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeArtifact(target, place, text)
  }
}
