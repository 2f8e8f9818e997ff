import type { Command } from 'commander'
import { selectNodes } from '../../pipeline/select.ts'
import { addCommonOptions, addSelectionOptions, type CommonOptions, type SelectionOptions } from '../options.ts'
import { selectionOf } from '../selection.ts'
import { action } from '../session.ts'

type Options = CommonOptions & SelectionOptions & { resourceType: string[] }

export function register(program: Command): void {
  const command = program
    .command('ls')
    .alias('list')
    .description('the nodes of the graph, in the order in which they run')
  addCommonOptions(addSelectionOptions(command))
    .option('--resource-type <kinds...>', 'model, seed, source, step, test, analysis', [])
    .action(
      action<Options>(async (session, options) => {
        const { report } = session
        const project = await session.load()
        const { graph } = project
        const chosen = selectNodes(graph, await selectionOf(session, project, options))
        const lines: string[] = []
        for (const id of graph.order) {
          const node = graph.nodes.get(id)!
          if (!chosen.has(id) || (options.resourceType.length > 0 && !options.resourceType.includes(node.kind)))
            continue
          const { name, kind, file, tags, deps, description } = node
          const stage = node.kind === 'step' ? { stage: node.step.stage } : {}
          if (options.output === 'json')
            lines.push(
              JSON.stringify({
                unique_id: id,
                name,
                resource_type: kind,
                original_file_path: file,
                tags,
                depends_on: deps,
                description,
                ...stage,
              }),
            )
          else
            lines.push(
              node.kind === 'model' || node.kind === 'analysis' ? node.fqn.join('.') : `${kind}:${node.fqn.join('.')}`,
            )
        }
        // In one piece: thousands of small writes take longer than all the rest of the list.
        if (lines.length > 0) report.out(lines.join('\n'))
        return 0
      }),
    )
}
