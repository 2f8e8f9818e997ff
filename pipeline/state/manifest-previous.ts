import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { manifestOf } from '../artifacts/manifest.ts'
import { messageOf, ProjectError } from '../errors.ts'
import { hashFile } from '../hash.ts'
import type { Project } from '../load.ts'
import type { Previous } from './compare.ts'
import { type Fingerprint, fingerprintsOf, stable } from './fingerprint.ts'

interface Entry {
  schema?: string
  alias?: string
  identifier?: string
  compiled_code?: string | null
  raw_code?: string
  checksum?: { checksum?: string }
  config?: Record<string, unknown>
}

type Manifest = Record<'nodes' | 'sources' | 'exposures' | 'unit_tests', Record<string, Entry> | undefined>

/** What dbt writes into every config although nobody said it. */
const UNSAID: Record<string, unknown> = {
  enabled: true,
  on_schema_change: 'ignore',
  on_configuration_change: 'apply',
  severity: 'error',
  fail_calc: 'count(*)',
  warn_if: '!= 0',
  error_if: '!= 0',
  access: 'protected',
  contract: '{"alias_types":true,"enforced":false}',
  docs: '{"node_color":null,"show":true}',
}
const PLACE = ['schema', 'alias', 'database']

/**
 * A manifest.json, ours or dbt's, as something to compare with: both projects are looked at as manifests. TypeScript
 * steps are not in it as such, so they count as unchanged where a table of theirs is.
 */
export function manifestPrevious(file: string, project: Project): Previous {
  let old: Manifest
  try {
    old = JSON.parse(readFileSync(file, 'utf8')) as Manifest
  } catch (error) {
    throw new ProjectError([
      {
        file: '--state',
        message: `${file} cannot be read: ${messageOf(error)}`,
        hint: 'Name a folder with a manifest.json.',
      },
    ])
  }
  const name = project.config.data.name
  const today = manifestOf(project.graph, name, { invocation_id: '', generated_at: '' }) as unknown as Manifest
  const [was, is] = [entriesOf(old), entriesOf(today)]
  const prints = new Map<string, Fingerprint>()
  for (const [id, print] of fingerprintsOf(project.graph, hashFile)) {
    const node = project.graph.nodes.get(id)!
    const tables = node.kind === 'step' ? (node.step.builds ?? []).map((table) => `model.${name}.${table.name}`) : [id]
    const other = tables.map((table) => was.get(table)).find((entry) => entry !== undefined)
    if (other === undefined) {
      if (node.kind === 'step' && tables.length === 0) prints.set(id, print)
      continue
    }
    if (node.kind === 'step') {
      prints.set(id, print)
      continue
    }
    const mine = is.get(id)
    const same = (of: (entry: Entry) => unknown) => mine !== undefined && stable(of(mine)) === stable(of(other))
    prints.set(id, {
      ...print,
      body: node.kind === 'seed' ? seedBody(print.body, node.path, other) : bodyOf(print.body, mine, other),
      relation: same(({ schema, alias, identifier }) => [schema, alias ?? identifier]) ? print.relation : 'elsewhere',
    })
  }
  const config = (entry: Entry | undefined) => stable(said(entry?.config ?? {}))
  return {
    name: file,
    prints,
    sqlOf: (id) => codeOf(was.get(id)),
    same_config: (id) => !is.has(id) || !was.has(id) || config(is.get(id)) === config(was.get(id)),
  }
}

function entriesOf(manifest: Manifest): Map<string, Entry> {
  return new Map(
    (['nodes', 'sources', 'exposures', 'unit_tests'] as const).flatMap((part) => Object.entries(manifest[part] ?? {})),
  )
}

function codeOf(entry: Entry | undefined): string | undefined {
  return entry?.compiled_code ?? undefined
}

/** Without compiled SQL on the other side, what was written decides. */
function bodyOf(print: string, mine: Entry | undefined, other: Entry): string {
  const sql = codeOf(other)
  if (sql !== undefined) return sql === codeOf(mine) ? print : 'changed'
  return (other.raw_code ?? '') === (mine?.raw_code ?? '') ? print : 'changed'
}

/** The file is the one of then, or not: dbt hashes it without the white space around it. */
function seedBody(print: string, path: string, { checksum }: Entry): string {
  const text = readFileSync(path)
  const hashes = [text, text.toString('utf8').trim()].map((content) =>
    createHash('sha256').update(content).digest('hex'),
  )
  return hashes.includes(checksum?.checksum ?? '') ? print : 'changed'
}

function said(config: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries(config).filter(([key, value]) => {
    if (value === null || PLACE.includes(key)) return false
    if (typeof value === 'object') {
      const text = stable(value)
      return text !== '[]' && text !== '{}' && text !== UNSAID[key]
    }
    return String(value).toLowerCase() !== String(UNSAID[key]).toLowerCase()
  })
  return Object.fromEntries(kept)
}
