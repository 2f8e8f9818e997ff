import type { DataTestEntry } from '../properties.ts'
import type { YamlFile } from '../yaml.ts'
import { TEST_CONFIG_KEYS } from './config.ts'

/** A test as a property file writes it, taken apart. */
export interface Entry {
  /** `unique`, `dbt_utils.recency`. */
  written: string
  /** The name of the column it stands below; as the argument `column_name` it may be an SQL expression. */
  column?: string
  column_is_sql?: boolean
  /** What the test may be called instead of what it would be called. */
  name?: string
  description?: string
  arguments: Record<string, unknown>
  config: Record<string, unknown>
  /** All of it, for what must differ where this differs. */
  given: unknown
  yaml: YamlFile
  line(): number
  /** The line of an argument or of a part of it. */
  lineOfArgument(path: readonly PropertyKey[]): number
  lineOfConfig(path: readonly PropertyKey[]): number
}

/**
 * dbt's ways to write one: `unique`; `{ accepted_values: { values: [...] } }`, its arguments flat or below `arguments`,
 * its configuration flat or below `config`; `{ name: x, test_name: accepted_values, ... }`.
 */
export function readEntry(
  entry: DataTestEntry,
  { yaml, path, column }: { yaml: YamlFile; path: readonly PropertyKey[]; column?: string },
): Entry {
  if (typeof entry === 'string') return plain(entry, yaml, path, column)
  const named = 'test_name' in entry
  const [written, body, at] = named
    ? [String(entry.test_name), without(entry, ['test_name']), path]
    : [Object.keys(entry)[0] ?? '', Object.values(entry)[0] ?? {}, [...path, Object.keys(entry)[0] ?? '']]
  const { config, arguments: nested, name, description, column_name, ...flat } = body as Record<string, unknown>
  const beside = named ? {} : without(entry, [written])
  const flatConfig = Object.fromEntries(
    Object.entries({ ...flat, ...beside }).filter(([key]) => TEST_CONFIG_KEYS.includes(key)),
  )
  const inner = (nested ?? {}) as Record<string, unknown>
  const ownColumn = column_name ?? inner.column_name
  const own = (config ?? {}) as Record<string, unknown>
  return {
    written,
    ...(column !== undefined
      ? { column }
      : typeof ownColumn === 'string'
        ? { column: ownColumn, column_is_sql: true }
        : {}),
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof description === 'string' ? { description } : {}),
    arguments: { ...without(flat, TEST_CONFIG_KEYS), ...without(inner, ['column_name']) },
    config: { ...flatConfig, ...own },
    given: body,
    yaml,
    line: () => yaml.lineOf(path),
    lineOfArgument: ([key, ...rest]) =>
      yaml.lineOf(
        key !== undefined && key in inner
          ? [...at, 'arguments', key, ...rest]
          : [...at, ...(key === undefined ? [] : [key, ...rest])],
      ),
    lineOfConfig: ([key, ...rest]) => {
      const place = key === undefined ? [] : [key, ...rest]
      if (key === undefined || key in own) return yaml.lineOf([...at, 'config', ...place])
      return yaml.lineOf(key in beside ? [...path, ...place] : [...at, ...place])
    },
  }
}

/** Just a name, as most are. */
function plain(written: string, yaml: YamlFile, path: readonly PropertyKey[], column: string | undefined): Entry {
  const line = () => yaml.lineOf(path)
  return {
    written,
    ...(column === undefined ? {} : { column }),
    arguments: NOTHING,
    config: NOTHING,
    given: NOTHING,
    yaml,
    line,
    lineOfArgument: (rest) => yaml.lineOf([...path, ...rest]),
    lineOfConfig: (rest) => (rest.length === 0 ? line() : yaml.lineOf([...path, ...rest])),
  }
}

/** What a test is given that is just named; the same for all of them. */
const NOTHING: Readonly<Record<string, never>> = Object.freeze({})

function without(value: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)))
}
