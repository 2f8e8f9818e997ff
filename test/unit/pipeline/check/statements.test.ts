import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { inspectProject } from '../../../../pipeline/check/project-check.ts'
import { openDatabase } from '../../../../pipeline/warehouse/duckdb.ts'
import { load, projectFolder } from '../../../helpers/project.ts'

interface Statement {
  name: string
  sql: string
}

const { schema, valid, invalid } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../fixtures/sql/statements.json'), 'utf8'),
) as { schema: string; valid: Statement[]; invalid: Statement[] }

/** Seen only when rows are read: the literal is cast then, and DuckDB casts the integer of the join by itself. */
const UNSEEN = ['bad cast literal', 'join type mismatch']
/** No SELECT in its own right, so no table can be made of it; it binds in FROM, as analyses and tests do. */
const NO_MODEL = 'summarize'
/** Bound, but what columns it has depends on data: nothing is bound against it. */
const OPEN = 'pivot stmt'

/** The tables of the set as a property file declares them, and the files that some statements read. */
async function surroundings(): Promise<{ sources: string; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'lead-engine-statements-'))
  const database = await openDatabase()
  const connection = await database.connect()
  await connection.run(schema)
  const tables = await connection.rows(
    `select table_name as name, list({'name': column_name, 'data_type': data_type} order by column_index) as columns
     from duckdb_columns() where not internal group by table_name order by table_name`,
  )
  await connection.run(
    `copy (select 1 as a, 'x' as b) to '${folder}/t.csv'; copy (select 1 as a) to '${folder}/t.parquet'`,
  )
  database.close()
  return { sources: JSON.stringify({ version: 2, sources: [{ name: 'shop', tables }] }), folder }
}

async function checked(statements: readonly Statement[], below: string) {
  const { sources, folder } = await surroundings()
  const files: Record<string, string> = { 'models/sources.yml': sources }
  const tables = /\b(from|join|pivot|unpivot|summarize) (orders|customers|prices|trades|monthly)\b/g
  for (const [index, { sql }] of statements.entries()) {
    const text = sql.replaceAll(tables, "$1 {{ source('shop', '$2') }}").replaceAll('FILES', folder)
    files[`${below}/s_${index}.sql`] = text
  }
  const { problems, skipped } = await inspectProject(await load(projectFolder(files)))
  const nameOf = (file: string) => statements[Number(/s_(\d+)\.sql/.exec(file)?.[1])]?.name ?? file
  return {
    refused: new Set(problems.map(({ file }) => nameOf(file))),
    skipped: skipped.map(({ file }) => nameOf(file)),
    lines: problems.map(({ line }) => line),
  }
}

it('what is valid SQL is accepted, as a model or at least in FROM', async () => {
  expect(valid.length).toBe(70)
  const asModels = await checked(valid, 'models/marts')
  expect([...asModels.refused]).toEqual([NO_MODEL])
  expect(asModels.skipped).toEqual([OPEN])
  const inFrom = await checked(valid, 'analyses')
  expect([...inFrom.refused]).toEqual([])
})

it('what is invalid is refused before it runs, at its line, where binding can see it', async () => {
  expect(invalid.length).toBe(18)
  const { refused, lines } = await checked(invalid, 'models/marts')
  expect(invalid.map(({ name }) => name).filter((name) => !refused.has(name))).toEqual(UNSEEN)
  expect(lines.every((line) => line === 1)).toBe(true)
})
