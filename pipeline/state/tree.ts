import { hash } from 'node:crypto'
import type { Connection } from '../warehouse/duckdb.ts'

/** What DuckDB's parser made of a text: a hash of its tree without places, or why there is none. */
export interface Tree {
  /** Equal for texts that differ in white space and comments only; undefined where there is no tree to compare. */
  hash: string | undefined
  /** What the parser said, when it refused the text. */
  error?: { message: string; position?: number }
}

interface Refused {
  error_type?: string
  error_message?: string
  position?: string
}

// A CTE's `materialized` is not in the tree that DuckDB hands out, and says how a model is computed.
const HASHED = `sha256(regexp_replace(tree, '"query_location":\\d+', '', 'g') || len(regexp_extract_all(text, '(?i)\\bmaterialized\\b')))`

/** Parses many texts in one statement; the answers in the same order. */
export async function parseTrees(connection: Connection, texts: readonly string[]): Promise<Tree[]> {
  if (texts.length === 0) return []
  const [answer] = await connection.rows<{ hashes: string[]; refusals: string[]; statements: number[] }>(
    `select list(${HASHED} order by place) as hashes,
            list(case when tree like '{"error":true%' then tree else '' end order by place) as refusals,
            list(len(json_extract(tree, '$.statements[*]')) order by place) as statements
     from (
       select text, place, cast(json_serialize_sql(text) as varchar) as tree
       from (select unnest(from_json($1::json, '["VARCHAR"]')) as text, unnest(range($2::bigint)) as place)
     )`,
    [JSON.stringify(texts), texts.length],
  )
  return texts.map((_, index) => {
    const refusal = answer!.refusals[index]!
    const statements = Number(answer!.statements[index])
    if (refusal === '' && statements === 1) return { hash: answer!.hashes[index]! }
    if (refusal === '')
      return {
        hash: undefined,
        error: { message: statements === 0 ? 'there is none' : 'it is more than one statement' },
      }
    const { error_type, error_message = '', position } = JSON.parse(refusal) as Refused
    if (error_type !== 'parser') return { hash: undefined }
    return {
      hash: undefined,
      error: { message: error_message, ...(position === undefined ? {} : { position: Number(position) }) },
    }
  })
}

const hashes = new Map<string, string>()

/** The same texts are asked for several times in a call. */
export function textHash(text: string): string {
  let found = hashes.get(text)
  if (found === undefined) {
    found = hash('sha256', text)
    hashes.set(text, found)
  }
  return found
}

/** Where the build file remembers the tree of a text. */
export function treeMemory(text: string): string {
  return `tree.${textHash(text)}`
}

/** The hash of a text's tree if it is remembered, of the text itself where it has none. */
export function treeOf(memory: { get(id: string): { version: string } | undefined }, text: string): string {
  const own = textHash(text)
  return memory.get(`tree.${own}`)?.version || own
}
