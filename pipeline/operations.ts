import type { NodeResult } from './results.ts'
import { quoteIdentifier, relationName, type TableSpec } from './table.ts'
import type { Connection } from './warehouse/duckdb.ts'
import type { LedgerInfo } from './warehouse/ledger.ts'
import { BUILD, LEDGER, type Session } from './warehouse/session.ts'

/** What the engine itself publishes in `ops`: how the runs went, apart from what they made. */
export const OPERATIONS: readonly TableSpec[] = [
  {
    schema: 'ops',
    name: 'runs',
    description: 'Runs that recorded something, by the wall clock. The run that made this publication has no end yet.',
    columns: {
      run_id: 'VARCHAR',
      command: 'VARCHAR',
      call: 'VARCHAR',
      target: 'VARCHAR',
      as_of: 'DATE',
      git_commit: 'VARCHAR',
      started_at: 'TIMESTAMP',
      ended_at: 'TIMESTAMP',
      status: 'VARCHAR',
      exit_code: 'INTEGER',
    },
    key: ['run_id'],
  },
  {
    schema: 'ops',
    name: 'nodes',
    description: 'What became of every node in the run that made this publication.',
    columns: {
      node_id: 'VARCHAR',
      name: 'VARCHAR',
      kind: 'VARCHAR',
      file: 'VARCHAR',
      status: 'VARCHAR',
      row_count: 'BIGINT',
      seconds: 'DOUBLE',
      message: 'VARCHAR',
    },
    key: ['node_id'],
  },
  {
    schema: 'ops',
    name: 'tests',
    description: 'What became of every data test in the run that made this publication.',
    columns: {
      test_id: 'VARCHAR',
      name: 'VARCHAR',
      about: 'VARCHAR',
      column_name: 'VARCHAR',
      severity: 'VARCHAR',
      status: 'VARCHAR',
      failures: 'BIGINT',
    },
    key: ['test_id'],
  },
  {
    schema: 'ops',
    name: 'test_rows',
    description: 'The first rows of every data test that found some, as JSON.',
    columns: { test_id: 'VARCHAR', position: 'INTEGER', row: 'JSON' },
    key: ['test_id', 'position'],
    pii: ['row'],
  },
  {
    schema: 'ops',
    name: 'spend',
    description: 'Calls, credits and money by month and service.',
    columns: { month: 'DATE', service: 'VARCHAR', calls: 'BIGINT', credits: 'DECIMAL(18,4)', usd: 'DECIMAL(18,6)' },
    key: ['month', 'service'],
  },
  {
    schema: 'ops',
    name: 'rejects',
    description: 'Rows that could not be read, by run, source, file and reason. Their content stays in the ledger.',
    columns: { run_id: 'VARCHAR', source: 'VARCHAR', file: 'VARCHAR', reason: 'VARCHAR', row_count: 'BIGINT' },
    key: ['run_id', 'source', 'file', 'reason'],
  },
  {
    schema: 'ops',
    name: 'ledger',
    description: 'Which ledger this publication was made from, and how far it had come.',
    columns: {
      ledger_id: 'VARCHAR',
      schema_version: 'INTEGER',
      generation: 'BIGINT',
      run_id: 'VARCHAR',
      as_of: 'DATE',
    },
    key: ['ledger_id'],
  },
]

export interface Operations {
  results: readonly NodeResult[]
  run: { run_id: string; as_of: string; command: string; target: string; started_at: string }
  info: LedgerInfo
}

/** Fills the tables of `OPERATIONS` in the build file. */
export async function writeOperations({ connection }: Session, { results, run, info }: Operations): Promise<void> {
  const nodes = results.filter(({ node }) => node.kind !== 'test')
  const tests = results.filter(({ node }) => node.kind === 'test')
  const rows: Record<string, string | object[]> = {
    runs: `select run_id, command, call, target, as_of, git_commit, started_at, ended_at, status, exit_code from ${LEDGER}.log.runs`,
    nodes: nodes.map(({ node, status, rows: row_count, seconds, message }) => ({
      ...{ node_id: node.id, name: node.name, kind: node.kind, file: node.file },
      ...{ status, row_count, seconds, message },
    })),
    tests: tests.map(({ node, status, failures }) => ({
      ...{ test_id: node.id, name: node.name, status, failures },
      ...(node.kind === 'test' ? { about: node.attached, column_name: node.column, severity: node.severity } : {}),
    })),
    test_rows: await rowsFound(connection, tests),
    spend: `
      select cast(date_trunc('month', requested_at) as date) as month, service, count(*) as calls,
        sum(coalesce(credits, 0)) as credits, sum(coalesce(usd, 0)) as usd
      from ${LEDGER}.log.calls group by all`,
    rejects: `select run_id, source, file, reason, count(*) as row_count from ${LEDGER}.log.rejects group by all`,
    ledger: [{ ...info, run_id: run.run_id, as_of: run.as_of }],
  }
  await connection.transaction(async () => {
    for (const table of OPERATIONS) {
      const place = `${BUILD}.${relationName(table)}`
      const columns = Object.entries(table.columns).map(([name, type]) => `${quoteIdentifier(name)} ${type}`)
      await connection.run(`create or replace table ${place} (${columns.join(', ')})`)
      const content = rows[table.name]!
      if (typeof content === 'string') await connection.run(`insert into ${place} by name ${content}`)
      else await connection.insert(place, table.columns, content)
    }
  })
}

const ROWS_SHOWN = 20

/** What failing tests found; of one whose query cannot be asked again, nothing. */
async function rowsFound(connection: Connection, tests: readonly NodeResult[]): Promise<object[]> {
  const found: object[] = []
  for (const { node, failures, query } of tests) {
    if (query === undefined || (failures ?? 0) === 0) continue
    const rows = await connection
      .rows<{ row: string }>(`select to_json(found)::varchar as row from (${query}) as found limit ${ROWS_SHOWN}`)
      .catch(() => [])
    for (const [position, { row }] of rows.entries()) found.push({ test_id: node.id, position, row: JSON.parse(row) })
  }
  return found
}
