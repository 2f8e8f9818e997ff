import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parse } from 'yaml'
import { quoteIdentifier } from '../../pipeline/table.ts'
import { type Connection, openDatabase, type Row } from '../../pipeline/warehouse/duckdb.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const FILES = readdirSync(join(ROOT, 'models'), { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.sql'),
)

/** A relation that a test hands to the models in place of what usually builds it. */
export interface Given {
  columns: Record<string, string>
  rows: readonly object[]
}

export interface ModelWorld {
  connection: Connection
  /** Replaces relations (`intermediate.int_company_records`) by what the test gives. */
  give(relations: Record<string, Given>): Promise<void>
  /** Builds models in the order given, from what is there. */
  build(models: readonly string[]): Promise<void>
  /** What an analysis answers. */
  ask(analysis: string): Promise<Row[]>
  close(): void
}

/** The seeds and models of this repository over an empty database in memory, one model at a time. */
export async function modelWorld(as_of = '2026-11-22'): Promise<ModelWorld> {
  const database = await openDatabase()
  const connection = await database.connect()
  await connection.run(`create macro as_of() as date '${as_of}'`)
  for (const schema of ['seeds', 'staging', 'intermediate', 'marts', 'ops', 'discovery', 'raw'])
    await connection.run(`create schema ${schema}`)
  await loadSeeds(connection)
  return {
    connection,
    async give(relations) {
      for (const [relation, { columns, rows }] of Object.entries(relations)) {
        const list = Object.entries(columns).map(([name, type]) => `${quoteIdentifier(name)} ${type}`)
        await connection.run(`create or replace table ${relation} (${list.join(', ')})`)
        await connection.insert(relation, columns, rows)
      }
    },
    async build(models) {
      for (const model of models) {
        const file = FILES.find((path) => basename(path, '.sql') === model)
        if (file === undefined) throw new Error(`there is no model ${model}`)
        const sql = render(readFileSync(join(ROOT, 'models', file), 'utf8'))
        await connection.run(`create or replace table ${schemaOf(model)}.${model} as ${sql}`)
      }
    },
    ask: (analysis) => connection.rows(render(readFileSync(join(ROOT, 'analyses', `${analysis}.sql`), 'utf8'))),
    close() {
      connection.close()
      database.close()
    },
  }
}

async function loadSeeds(connection: Connection): Promise<void> {
  const folder = join(ROOT, 'seeds')
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.csv'))) {
    const name = basename(file, '.csv')
    const { seeds } = parse(readFileSync(join(folder, `${name}.yml`), 'utf8')) as {
      seeds: { config: { column_types: Record<string, string> } }[]
    }
    const types = JSON.stringify(seeds[0]!.config.column_types).replaceAll('"', "'")
    await connection.run(
      `create table seeds.${name} as select * from read_csv('${join(folder, file)}', header = true, columns = ${types})`,
    )
  }
}

function render(text: string): string {
  return text
    .replaceAll(/\{\{ ref\('(\w+)'\) \}\}/g, (_, name: string) => `${schemaOf(name)}.${name}`)
    .replaceAll(
      /\{\{ source\('(\w+)', '(\w+)'\) \}\}/g,
      (_, source: string, table: string) => `raw.${source}__${table}`,
    )
}

function schemaOf(name: string): string {
  const file = FILES.find((path) => basename(path, '.sql') === name)
  if (file !== undefined) return file.split(/[/\\]/)[0]!
  return [
    'registrable_domains',
    'icp_matches',
    'icp_personas',
    'company_clusters',
    'company_pairs',
    'contact_clusters',
    'contact_pairs',
  ].includes(name)
    ? 'discovery'
    : 'seeds'
}
