import { pluginNames } from '../pipeline/code-root.ts'
import type { Problem } from '../pipeline/errors.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import { validate, type YamlFile } from '../pipeline/yaml.ts'
import type { Crm } from './define.ts'
import { readMappings, type SwitchedOn } from './mapping.ts'
import type { Settings } from './settings.ts'

interface Naming {
  root: string
  settings: Pick<Settings, 'crms'>
  config: YamlFile
  problems: Problem[]
}

/** What `sync.crms` names, in its order: each instance with its settings and mappings. Problems are added with their lines. */
export async function switchedOn({ root, settings, config, problems }: Naming): Promise<SwitchedOn[]> {
  const crms: SwitchedOn[] = []
  for (const name of Object.keys(settings.crms)) {
    const path = ['sync', 'crms', name]
    const { crm: given = name, ...own } = settings.crms[name]!
    const crm = String(given)
    const definition = await loadCrm(crm)
    if (definition === undefined) {
      problems.push({
        file: config.file,
        line: config.lineOf(path),
        message: `there is no CRM '${crm}'`,
        hint: didYouMean(crm, pluginNames('sync', 'crms')) ?? 'Each file in sync/crms/ is one.',
      })
      continue
    }
    const valid = validate(
      definition.settings,
      { ...config, data: { sync: { crms: { [name]: own } } } },
      problems,
      path,
    )
    const mappings = readMappings(root, { name, crm }, definition, problems)
    if (valid !== undefined) crms.push({ name, definition, settings: valid, mappings })
  }
  return crms
}

/** The CRM of that file name; undefined when there is no such file. */
export async function loadCrm(name: string): Promise<Crm | undefined> {
  if (!pluginNames('sync', 'crms').includes(name)) return undefined
  return ((await import(`./crms/${name}.ts`)) as { default: Crm }).default
}
