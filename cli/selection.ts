import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Project } from '../pipeline/load.ts'
import { asksMethod, type Selection } from '../pipeline/select.ts'
import { placesOf } from '../pipeline/warehouse/home.ts'
import type { SelectionOptions } from './options.ts'
import type { CommandSession } from './session.ts'

/** What a call selects, with everything that its words ask: state, results and sources are read only when they do. */
export async function selectionOf(
  session: CommandSession,
  project: Project,
  options: SelectionOptions,
): Promise<Selection> {
  const { select, exclude, selector, indirectSelection: indirect_selection } = options
  const selection: Selection = { select, exclude, selector, indirect_selection, selectors: project.selectors }
  const asked = ['state', 'result', 'source_status'].filter((method) => asksMethod(selection, method))
  if (asked.length === 0) return selection
  const { compareWith, readResults, sourceStatuses } = await import('../pipeline/state/previous.ts')
  const { warehouse } = placesOf(project.root, project.config.target)
  const target = join(project.root, 'target')
  const folder = options.state === undefined ? undefined : resolve(project.root, options.state)
  const before = folder !== undefined && existsSync(join(folder, 'run_results.json')) ? folder : target
  const state = asked.includes('state')
    ? await compareWith(project, options.state, session.loadOptions, warehouse)
    : undefined
  return {
    ...selection,
    known: {
      state,
      results: () => readResults(before, project),
      source_statuses: () => sourceStatuses(target, folder, warehouse),
    },
  }
}
