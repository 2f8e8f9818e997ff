import { join } from 'node:path'
import type { Command } from 'commander'
import { writeProject } from '../../pipeline/artifacts/project.ts'
import { selectNodes } from '../../pipeline/select.ts'
import { addCommonOptions, addSelectionOptions, type CommonOptions, type SelectionOptions } from '../options.ts'
import { selectionOf } from '../selection.ts'
import { action } from '../session.ts'

export function register(program: Command): void {
  const command = program
    .command('compile')
    .description('resolve every name, write target/compiled and target/manifest.json; print what is selected')
  addCommonOptions(addSelectionOptions(command)).action(
    action<CommonOptions & SelectionOptions>(async (session, options) => {
      const { report, root, invocation_id } = session
      const project = await session.load()
      const { graph, config } = project
      const target = join(root, 'target')
      const name = config.data.name
      const generated_at = new Date().toISOString()
      const chosen = selectNodes(graph, await selectionOf(session, project, options))
      const named = options.select.length > 0 || options.selector !== undefined
      const tests = named ? chosen : new Set<string>()
      writeProject(graph, name, { invocation_id, generated_at }, target, import.meta.url, tests)
      const compiled = graph.order.flatMap((id) => {
        const node = graph.nodes.get(id)!
        return chosen.has(id) &&
          (node.kind === 'model' || node.kind === 'analysis' || (node.kind === 'test' && node.generic === undefined))
          ? [node]
          : []
      })
      if (options.output === 'json')
        report.json(compiled.map(({ id, file, sql }) => ({ unique_id: id, file, compiled: sql })))
      else if (named) for (const { name: label, sql } of compiled) report.out(`-- ${label}\n${sql}\n`)
      report.line(`${compiled.length} compiled into target/compiled`)
      return 0
    }),
  )
}
