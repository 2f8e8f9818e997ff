import { contractDifferences, contractProblem } from '../contract.ts'
import { type Problem, ProjectError } from '../errors.ts'
import type { Graph } from '../graph.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import type { Column } from './shadow.ts'

/** Holds every contract against the columns that binding found. Answers the ids of the models that have one. */
export async function checkContracts(
  graph: Graph,
  connection: Connection,
  catalogue: ReadonlyMap<string, readonly Column[]>,
  problems: Problem[],
): Promise<Set<string>> {
  const promising = new Set<string>()
  for (const node of graph.nodes.values()) {
    if (node.kind !== 'model' || node.contract === undefined) continue
    promising.add(node.id)
    const columns = catalogue.get(`${node.relation.schema}.${node.relation.name}`)
    if (columns === undefined) continue
    try {
      const differences = await contractDifferences(connection, node, columns)
      if (differences.length > 0) problems.push(contractProblem(node, differences))
    } catch (error) {
      if (!(error instanceof ProjectError)) throw error
      problems.push(...error.problems)
    }
  }
  return promising
}
