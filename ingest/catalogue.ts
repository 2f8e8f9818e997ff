import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeRoot, pluginNames } from '../pipeline/code-root.ts'
import type { Problem } from '../pipeline/errors.ts'
import type { About } from '../pipeline/forget/names.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import type { LedgerTable } from '../pipeline/step.ts'
import { columnsOf } from '../pipeline/table.ts'
import { validate, type YamlFile } from '../pipeline/yaml.ts'
import type { Provider, Resource } from './define.ts'
import { FIELDS, type Field } from './fields.ts'

/** A file of `ingest/providers/`. */
export interface Listed {
  name: string
  provider: Provider
  /** Changes with the file. */
  version: string
}

/** A provider that `pipeline.yaml` switches on, with what it says below its name. */
export interface SwitchedOn extends Listed {
  settings: Record<string, unknown>
}

/** Every provider there is, by name. The folder is the list. */
export async function catalogue(): Promise<Map<string, Listed>> {
  const listed = pluginNames('ingest', 'providers').map(async (name): Promise<[string, Listed]> => {
    const { default: provider } = (await import(`./providers/${name}.ts`)) as { default: Provider }
    const text = readFileSync(join(codeRoot(), 'ingest/providers', `${name}.ts`), 'utf8')
    return [name, { name, provider, version: hashOf(text) }]
  })
  return new Map(await Promise.all(listed))
}

/** The providers that a section switches on. What is unknown, or set wrongly, becomes a problem with its line. */
export function switchedOn(
  section: 'discovery' | 'enrichment',
  settings: Record<string, unknown>,
  input: { known: Map<string, Listed>; config: YamlFile; problems: Problem[] },
): Map<string, SwitchedOn> {
  const { known, config, problems } = input
  const on = new Map<string, SwitchedOn>()
  for (const [name, given] of Object.entries(settings)) {
    const path = [section, 'providers', name]
    const listed = known.get(name)
    if (listed === undefined) {
      const hint = didYouMean(name, known.keys()) ?? 'Each file in ingest/providers/ is one.'
      problems.push({ file: config.file, line: config.lineOf(path), message: `there is no provider '${name}'`, hint })
      continue
    }
    const named = { ...config, data: { [section]: { providers: { [name]: given ?? {} } } } }
    const own = validate(listed.provider.settings, named, problems, path)
    if (own !== undefined) on.set(name, { ...listed, settings: own })
  }
  return on
}

/** The ledger table of a resource. */
export function tableOf({ name, provider }: Listed, table: string): LedgerTable {
  const resource = provider.resources[table]!
  const { description, row, key, write, pii } = resource
  const about = aboutOf(resource)
  const bulk = provider.bulk !== undefined
  return { source: name, table, description, columns: columnsOf(row), key, write, pii, about, bulk, payload: !bulk }
}

/** Whose a row is, beyond its `subject_id`: by its key, under which identities know it, and by columns that name somebody. */
function aboutOf({ fills, key, row, pii = [] }: Resource): About | undefined {
  const asked = Object.keys(fills ?? {}).map((field) => FIELDS[field as Field].subject)
  if (asked.includes('company')) return undefined
  const first = (names: readonly string[], among: readonly string[]) => names.find((name) => among.includes(name))
  const columns = Object.keys(row.shape)
  return {
    record: fills === undefined && key.length === 1 ? key[0] : undefined,
    email: first(['email'], pii),
    profile: first(['linkedin_url'], pii),
    domain: first(['domain', 'primary_domain'], columns),
    cnpj: first(['cnpj', 'cnpj_basico'], columns),
  }
}

export function resourcesOf({ provider }: Listed): [string, Resource][] {
  return Object.entries(provider.resources)
}

/** The resource of a provider that can fill a field. */
export function resourceFor({ provider }: Listed, field: string): [string, Resource] | undefined {
  return Object.entries(provider.resources).find(([, { fills }]) => fills !== undefined && field in fills)
}

export function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}
