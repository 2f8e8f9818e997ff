import { messageOf, type Problem, ProjectError } from '../errors.ts'
import type { Graph } from '../graph.ts'
import type { Shadow } from './shadow.ts'

/** Lets every step bind the SQL it makes up as it runs, if all it reads is known. */
export async function bindSteps(graph: Graph, { connection, unknown }: Shadow, problems: Problem[]): Promise<void> {
  for (const id of graph.order) {
    const node = graph.nodes.get(id)
    if (node?.kind !== 'step' || node.step.bind === undefined) continue
    const unread = node.deps.find((dep) => unknown.has(dep))
    if (unread !== undefined) {
      unknown.set(id, `it reads ${graph.nodes.get(unread)?.name ?? unread}`)
      continue
    }
    try {
      await node.step.bind(connection)
    } catch (error) {
      if (error instanceof ProjectError) problems.push(...error.problems)
      else problems.push({ file: node.file, message: `the step ${node.name}: ${messageOf(error).trim()}` })
      unknown.set(id, 'it is wrong itself')
    }
  }
}
