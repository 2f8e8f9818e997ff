import type { Project } from '../pipeline/load.ts'
import { validate } from '../pipeline/yaml.ts'
import { loadCrm } from './crms.ts'
import type { HookCall, HookEvent } from './records.ts'

/** How one CRM tells us of changes, its settings filled in. */
export interface InstanceHook {
  isGenuine(call: HookCall): boolean
  /** Null: not in the form of its events. */
  events(body: unknown): readonly HookEvent[] | null
}

/** Of a checked project: what its CRMs tell us by themselves, by their names below `sync.crms`; those that do not are left out. */
export async function hooksOf({ config }: Project): Promise<Record<string, InstanceHook>> {
  const section = (config.data.sync ?? {}) as { crms?: Record<string, Record<string, unknown>> }
  const hooks: Record<string, InstanceHook> = {}
  for (const [name, { crm = name, ...own }] of Object.entries(section.crms ?? {})) {
    const definition = await loadCrm(String(crm))
    const hook = definition?.hook
    if (definition === undefined || hook === undefined) continue
    const written = { ...config.yaml, data: { sync: { crms: { [name]: own } } } }
    const settings = validate(definition.settings, written, [], ['sync', 'crms', name])
    if (settings === undefined) continue
    hooks[name] = { isGenuine: (call) => hook.isGenuine(settings, call), events: (body) => hook.events(body) }
  }
  return hooks
}
