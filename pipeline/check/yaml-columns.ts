import type { Problem } from '../errors.ts'
import { stemOf } from '../files.ts'
import type { Project } from '../load.ts'
import { didYouMean } from '../nearest.ts'
import type { Column } from './shadow.ts'

/** A column that a property file describes and the SQL (or the CSV) does not have. */
export interface Lost {
  /** The node that is described. */
  id: string
  column: string
}

/** Compares the columns that property files describe with those that binding found. */
export function compareColumns(
  { files, graph }: Pick<Project, 'files' | 'graph'>,
  catalogue: ReadonlyMap<string, readonly Column[]>,
  /** Models whose contract has said it already. */
  told: ReadonlySet<string>,
  problems: Problem[],
): Lost[] {
  const lost: Lost[] = []
  for (const node of graph.nodes.values()) {
    if (node.kind !== 'model' && node.kind !== 'seed') continue
    const real = catalogue.get(`${node.relation.schema}.${node.relation.name}`)
    const described = (node.kind === 'model' ? files.model_properties : files.seed_properties).get(stemOf(node.file))
    if (real === undefined || described === undefined) continue
    const names = new Set(real.map(({ name }) => name.toLowerCase()))
    for (const [index, { name }] of described.value.columns.entries()) {
      if (names.has(name.toLowerCase())) continue
      lost.push({ id: node.id, column: name })
      if (told.has(node.id)) continue
      const { yaml, path } = described
      problems.push({
        file: yaml.file,
        line: yaml.lineOf([...path, 'columns', index, 'name']),
        message: `describes the column '${name}', which ${node.file} does not have`,
        hint:
          didYouMean(
            name,
            real.map((column) => column.name),
          ) ?? 'Remove it, or add it to the SELECT.',
      })
    }
  }
  return lost
}
