import { z } from 'zod'
import type { PageContext, Resource } from './define.ts'
import type { Fill, Fills, Subject } from './fields.ts'

export type VendorRow = Record<string, unknown>

const KINDS = {
  key: () => z.string(),
  text: () => z.string().nullish(),
  count: () => z.int().nullish(),
  amount: () => z.number().nullish(),
  flag: () => z.boolean().nullish(),
  texts: () => z.array(z.string()).nullish(),
}

type Columns = Partial<Record<keyof typeof KINDS | 'list', string>>

/** The shape of a row by kind of column, names parted by blanks: `{ key: 'id', text: 'name city', count: 'founded_year' }`. */
function rowOf(columns: Columns): z.ZodObject {
  const shape = Object.entries(columns).flatMap(([kind, names]) =>
    names.split(' ').map((name) => [name, KINDS[kind as keyof typeof KINDS]()] as const),
  )
  return z.object(Object.fromEntries(shape))
}

/** A table as a plug-in's own JSON declares it: what is data of its resource, and its columns by kind. */
interface Declared extends Pick<Resource, 'description' | 'key' | 'batch' | 'price' | 'pii' | 'known'> {
  row: Columns
  needs?: readonly string[]
  legal_basis?: string
  /** Field → the column that says whether there is an answer; null: any row is one. */
  fills?: Readonly<Record<string, string | null>>
}

/** Resources but for their `pages`, from JSON. `parts`: shapes of what columns of kind `list` hold, as in `rounds:round`. */
export function tablesOf<Name extends string>(
  tables: Readonly<Record<Name, Declared>>,
  parts: Readonly<Record<string, Columns>> = {},
): Record<Name, Omit<Resource, 'pages'>> {
  const made = Object.entries<Declared>(tables).map(([name, { row, fills, ...table }]) => {
    const { list, ...columns } = row
    const lists = (list?.split(' ') ?? []).map((pair) => {
      const [column = '', part = ''] = pair.split(':')
      return [column, z.array(rowOf(parts[part]!)).nullish()] as const
    })
    const filled = Object.entries(fills ?? {}).map(([field, column]) => [field, column === null ? {} : known(column)])
    const more = fills === undefined ? {} : { fills: Object.fromEntries(filled) as Fills }
    return [name, { write: 'merge', ...table, ...more, row: rowOf(columns).extend(Object.fromEntries(lists)) }] as const
  })
  return Object.fromEntries(made) as unknown as ReturnType<typeof tablesOf<Name>>
}

/**
 * Pages of an enrichment that asks about one at a time; its rows say whom they are about. With `key_of`: by the key that it
 * finds, and not about those of whom it finds none.
 */
export function ofEach<Settings, Key = undefined>(
  ask: (context: PageContext<Settings>, subject: Subject, key: Key) => Promise<readonly VendorRow[]>,
  key_of?: (context: PageContext<Settings>, subject: Subject) => Promise<Key | undefined>,
): (context: PageContext<Settings>) => AsyncGenerator<VendorRow[]> {
  return async function* (context) {
    for (const subject of context.subjects) {
      const key = await key_of?.(context, subject)
      if (key_of !== undefined && key === undefined) continue
      const rows = await ask(context, subject, key as Key)
      yield rows.map((row) => ({ ...row, subject_id: subject.subject_id }))
    }
  }
}

/** Rows of a list that an answer should have, and may not; holes in it left out. */
export function rowsIn(list: unknown): VendorRow[] {
  return Array.isArray(list) ? list.filter((row): row is VendorRow => row !== null && typeof row === 'object') : []
}

/** An answer to a question: the column has something in it. */
function known(column: string): Fill {
  return { hit: (row) => String(row[column] ?? '') !== '' }
}

/**
 * A row with columns taken from inside of it, null where there is nothing: `linkedin.value`, `places[kind=city].value` (the
 * first such), `categories[].value` (all of them).
 */
export function lifted(row: VendorRow, paths: Readonly<Record<string, string>>): VendorRow {
  const columns = Object.entries(paths).map(([column, path]) => [column, path.split('.').reduce(step, row) ?? null])
  return { ...row, ...Object.fromEntries(columns) }
}

function step(from: unknown, part: string): unknown {
  const [, name = '', list, key, value] = /^(\w+)(\[(?:(\w+)=(\w+))?\])?$/.exec(part) ?? []
  if (Array.isArray(from)) return rowsIn(from).map((one) => one[name] ?? null)
  const inner = (from as VendorRow | null | undefined)?.[name]
  if (list === undefined) return inner
  return key === undefined ? rowsIn(inner) : rowsIn(inner).find((one) => one[key] === value)
}

/** Every column of a table, with nothing in it: for vendors that leave out what is empty. */
export function blank({ row }: Pick<Resource, 'row'>, but: readonly string[] = []): VendorRow {
  const columns = Object.keys(row.shape).filter((name) => !but.includes(name))
  return Object.fromEntries(columns.map((name) => [name, null]))
}
