import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '../../../pipeline/warehouse/duckdb.ts'
import { AskDesk } from '../../../serve/ask/desk.ts'
import type { AskTable } from '../../../serve/ask/tables.ts'
import { AskWorker, type FromWorker, LOCKED } from '../../../serve/ask/worker.ts'

const text = (name: string) => ({ name, type: 'VARCHAR', description: '' })
const TABLES: AskTable[] = [
  { schema: 'marts', name: 'people', description: '', columns: [text('title')] },
  { schema: 'ops', name: 'lead_rows', description: '', columns: [text('tier'), { ...text('score'), type: 'DOUBLE' }] },
]

let folder: string
let warehouse: string
let worker: AskWorker

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lead-engine-ask-test-'))
  warehouse = join(folder, 'warehouse.duckdb')
  writeFileSync(join(folder, 'secret.csv'), 'secret\nhunter2\n')
  const database = await openDatabase({ path: warehouse })
  const connection = await database.connect()
  await connection.run(`create schema marts; create schema ops;
    create table marts.people as select 'CTO' as title, 'ana@acme.example' as email;
    create table ops.hidden as select 'hidden words' as words;
    create table ops.lead_rows as select 'A' as tier, i::double as score from range(3000) as t(i)`)
  connection.close()
  database.close()
  worker = new AskWorker()
  await worker.open({ kind: 'open', warehouse, as_of: '2026-01-31', tables: TABLES })
})
afterAll(() => {
  worker.close()
  rmSync(folder, { recursive: true, force: true })
})

const ask = (sql: string): Promise<FromWorker> => worker.handle({ kind: 'ask', sql, rows: 1_000 })

/** What anybody may try; `$file` is a file that is there, `$out` one that must not come to be. */
const HOSTILE = [
  `select * from read_csv('$file')`,
  `select * from read_csv_auto('$file')`,
  `select * from read_text('$file')`,
  `select * from read_blob('$file')`,
  `select * from read_json('$file')`,
  `select * from read_json_objects('$file')`,
  `select * from read_parquet('$file')`,
  `select * from parquet_metadata('$file')`,
  `select * from sniff_csv('$file')`,
  `select * from glob('$folder/*')`,
  `from '$file'`,
  `select * from '$file'`,
  `with a as (from '$file') select * from a`,
  `select (select count(*) from read_text('$file'))`,
  `select * from (select * from lead_rows where exists (from read_text('$file')))`,
  `attach '$out' as other`,
  `attach '$warehouse' as other (read_only)`,
  `detach marts`,
  `use marts`,
  `copy (select 1) to '$out'`,
  `copy lead_rows to '$out'`,
  `export database '$out'`,
  `import database '$folder'`,
  `install httpfs`,
  `load httpfs`,
  `set threads = 8`,
  `set memory_limit = '64GB'`,
  `set enable_external_access = true`,
  `reset lock_configuration`,
  `set variable x = 1`,
  `pragma database_list`,
  `pragma version`,
  `pragma storage_info('lead_rows')`,
  `pragma enable_profiling`,
  `call pragma_version()`,
  `select * from pragma_storage_info('lead_rows')`,
  `select * from pragma_database_list()`,
  `select * from duckdb_databases()`,
  `select * from duckdb_settings()`,
  `select * from duckdb_secrets()`,
  `select * from duckdb_tables()`,
  `select * from duckdb_columns`,
  `select * from information_schema.tables`,
  `select * from pg_catalog.pg_class`,
  `select * from sqlite_master`,
  `select current_setting('memory_limit')`,
  `select getenv('HOME')`,
  `select * from query('select 1')`,
  `select * from query_table('lead_rows')`,
  `select json_execute_serialized_sql(json_serialize_sql('select 1'))`,
  `select * from json_execute_serialized_sql(json_serialize_sql('select 1'))`,
  `create table x as select 1`,
  `create temp table x as select 1`,
  `create macro f() as 1`,
  `create secret s (type s3, key_id 'x', secret 'y')`,
  `insert into ops.lead_rows values ('A', 1)`,
  `update ops.lead_rows set tier = 'Z'`,
  `delete from ops.lead_rows`,
  `drop table ops.lead_rows`,
  `alter table ops.lead_rows add column x int`,
  `vacuum`,
  `checkpoint`,
  `begin`,
  `explain select 1`,
  `explain analyze select 1`,
  `describe lead_rows`,
  `show tables`,
  `summarize lead_rows`,
  `prepare p as select 1`,
  `execute p`,
  `select 1; select 2`,
  `select 1; drop table ops.lead_rows`,
  `select email from people`,
  `select * from ops.hidden`,
  `select repeat('x', 5000000)`,
  ``,
  `;`,
  `not sql at all`,
]

const filled = (sql: string) =>
  sql
    .replaceAll('$file', join(folder, 'secret.csv'))
    .replaceAll('$out', join(folder, 'out'))
    .replaceAll('$warehouse', warehouse)
    .replaceAll('$folder', folder)

describe('a question in SQL', () => {
  it('is answered over marts and ops, by the name alone or with the schema', async () => {
    expect(await ask('select title from people')).toMatchObject({
      kind: 'answer',
      rows: [{ title: 'CTO' }],
      more: false,
    })
    expect(await ask('with a as (select tier, count(*) as n from ops.lead_rows group by all) from a')).toMatchObject({
      kind: 'answer',
      columns: [
        { name: 'tier', type: 'VARCHAR' },
        { name: 'n', type: 'BIGINT' },
      ],
      rows: [{ tier: 'A', n: 3000 }],
    })
    expect(await ask('select as_of() as today')).toMatchObject({ rows: [{ today: '2026-01-31' }] })
  })

  it('is answered with so many rows, and no more', async () => {
    const said = await ask('select * from lead_rows')
    expect(said).toMatchObject({ kind: 'answer', more: true })
    expect(said.kind === 'answer' && said.rows).toHaveLength(1_000)
    const huge = await ask('select * from range(100000000000)')
    expect(huge.kind === 'answer' && huge.rows).toHaveLength(1_000)
  })

  it.each(HOSTILE)('is refused: %s', async (sql) => {
    const said = await ask(filled(sql))
    expect(said.kind).toBe('refused')
    expect(JSON.stringify(said)).not.toMatch(/hunter2|ana@acme|hidden words|lead-engine-ask-[A-Za-z0-9]{6}\//)
    expect(existsSync(join(folder, 'out'))).toBe(false)
  })

  it('leaves what it was asked about as it was', async () => {
    expect(await ask('select count(*) as n from lead_rows')).toMatchObject({ rows: [{ n: 3000 }] })
    expect(readFileSync(join(folder, 'secret.csv'), 'utf8')).toContain('hunter2')
  })
})

it('meets settings that refuse files, writes and settings without anybody reading the question first', async () => {
  const database = await openDatabase({ path: warehouse, read_only: true })
  const connection = await database.connect()
  await connection.run(LOCKED.join('; '))
  const doors =
    /^(select \* from (read_|glob|sniff|parquet)|from '|attach|copy|export|install|load|set (threads|mem|enable)|reset|create table|insert|update|delete|drop|alter)/
  const tried = HOSTILE.filter((sql) => doors.test(sql))
  expect(tried.length).toBeGreaterThan(25)
  for (const sql of tried) await expect(connection.run(filled(sql)), sql).rejects.toThrow()
  connection.close()
  database.close()
})

it('is asked of a process of its own, which is ended when it takes too long, and started anew', async () => {
  const desk = new AskDesk()
  const about = { publication: '1', warehouse, as_of: '2026-01-31', tables: TABLES, rows: 10 }
  const endless = 'with recursive r as (select 1 as n union all select n + 1 from r) select sum(n) from r'
  try {
    expect(await desk.ask({ ...about, sql: 'select count(*) as n from lead_rows', time: 60_000 })).toMatchObject({
      rows: [{ n: 3000 }],
    })
    await expect(desk.ask({ ...about, sql: endless, time: 700 })).rejects.toMatchObject({
      code: 'too_slow',
      status: 422,
    })
    expect(await desk.ask({ ...about, sql: 'select 1 as one', time: 60_000 })).toMatchObject({ rows: [{ one: 1 }] })
  } finally {
    desk.close()
  }
}, 120_000)
