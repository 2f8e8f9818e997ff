import { describe, expect, it } from 'vitest'
import { buildSeed } from '../../../pipeline/materialize.ts'
import type { SeedNode } from '../../../pipeline/nodes.ts'
import { openSession } from '../../../pipeline/warehouse/session.ts'
import { load, projectFolder } from '../../helpers/project.ts'

async function loaded(csv: string, column_types = ''): Promise<{ types: Record<string, string>; rows: unknown[] }> {
  const twin = `version: 2\nseeds:\n  - name: s\n    config: { column_types: { ${column_types} } }\n`
  const { graph } = await load(projectFolder({ 'seeds/s.csv': csv, 'seeds/s.yml': twin }))
  const session = await openSession({ as_of: '2026-01-31' })
  try {
    await session.useSchemas(['seeds'])
    await buildSeed(session.connection, graph.nodes.get('seed.demo.s') as SeedNode, undefined)
    const columns = await session.connection.describe('select * from seeds.s')
    return {
      types: Object.fromEntries(columns.map(({ name, type }) => [name, type])),
      rows: await session.connection.rows('select * from seeds.s'),
    }
  } finally {
    session.close()
  }
}

describe('a seed', () => {
  it.each([
    ['1\n-20\n', 'BIGINT'],
    ['01\n02\n', 'VARCHAR'],
    ['0\n10\n', 'BIGINT'],
    ['1\n2.5\n', 'DOUBLE'],
    ['1e3\n', 'DOUBLE'],
    ['2026-01-31\n', 'DATE'],
    ['2026-01-31 10:00:00\n', 'TIMESTAMP'],
    ['2026-02-31\n', 'VARCHAR'],
    ['true\nFALSE\n', 'BOOLEAN'],
    ['t\nf\n', 'VARCHAR'],
    ['1\nx\n', 'VARCHAR'],
    ['a\n', 'VARCHAR'],
  ])('%j is %s where nothing says otherwise', async (values, type) => {
    expect((await loaded(`v\n${values}`)).types).toEqual({ v: type })
  })

  it('has the declared types, NULL for empty fields, and what quotes hold', async () => {
    const csv = 'code,"a ""name""",n\n01,"x, ""y""\nz",\n02,,7\n'
    expect(await loaded(csv, 'code: varchar, n: integer')).toEqual({
      types: { code: 'VARCHAR', 'a "name"': 'VARCHAR', n: 'INTEGER' },
      rows: [
        { code: '01', 'a "name"': 'x, "y"\nz', n: null },
        { code: '02', 'a "name"': null, n: 7 },
      ],
    })
  })

  it.each([
    ['a,b\n1,2\n3\n', '', /seeds\/s\.csv:3/],
    ['a,b\n1,2\n3,4,5\n', '', /seeds\/s\.csv:3/],
    ['a\n1\nx\n', 'a: integer', /seeds\/s\.csv:3/],
    ['a\n1\n', 'b: integer', /seeds\/s\.csv:1 {2}has no column 'b'/],
  ])('%j with %j is refused with its line', async (csv, types, message) => {
    await expect(loaded(csv, types)).rejects.toThrow(message)
  })
})
