import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ColumnLineage, columnLineage } from '../../../pipeline/lineage.ts'
import type { DocNode, Docs } from '../../../pipeline/state/docs-file.ts'
import { type Connection, type Database, openDatabase } from '../../../pipeline/warehouse/duckdb.ts'

let database: Database
let connection: Connection
let lineage: ColumnLineage

function node(name: string, relation: string, given: Partial<DocNode>): DocNode {
  return {
    ...{ id: `model.p.${name}`, name, kind: 'model', layer: 'marts', file: '', description: '', relation, builds: [] },
    ...{ materialized: 'table', reads: [], reads_later: [], columns: [], sql: null },
    ...given,
  }
}

const columns = (...names: string[]) => names.map((name) => ({ name, description: '', tests: [], pii: false }))

const DOCS: Docs = {
  project: 'p',
  tests: [],
  pii: {},
  nodes: [
    node('raw_a', 'raw.a', { id: 'source.p.a', kind: 'source', columns: columns('id', 'name', 'size', 'junk') }),
    node('raw_b', 'raw.b', { id: 'source.p.b', kind: 'source', columns: columns('id', 'town', 'size') }),
    node('step', 'none', {
      id: 'step.p.s',
      kind: 'step',
      relation: null,
      builds: ['made.scores'],
      columns: columns('id', 'score'),
    }),
    // In the wrong order on purpose.
    node('last', 'marts.last', {
      reads: ['model.p.joined', 'model.p.stg', 'step.p.s'],
      sql: `select id, label as shown, coalesce(town, 'x') as place, score from marts.joined left join made.scores using (id)
        union all select id, name, null, (select max(score) from made.scores) from staging.stg`,
    }),
    node('joined', 'marts.joined', {
      reads: ['model.p.stg', 'source.p.b'],
      sql: `with a as (select * from staging.stg), b as (select id as b_id, * exclude (id, size) from raw.b)
        select a.id, upper(a.name) || '!' as label, b.* exclude (b_id), a.size + 1 as bigger, bigger * 2 as biggest
        from a left join b on a.id = b.b_id`,
    }),
    node('stg', 'staging.stg', {
      reads: ['source.p.a'],
      sql: 'with source as (select * from raw.a), renamed as (select id, name, size from source) select * from renamed',
    }),
  ],
}

const paths = (id: string, column: string, way: 'from' | 'to') =>
  lineage.walk(`model.p.${id}`, column, way).map(({ name, column: of, steps }) => `${steps} ${name}.${of}`)

beforeAll(async () => {
  database = await openDatabase()
  connection = await database.connect()
  lineage = await columnLineage(connection, DOCS)
})
afterAll(() => {
  connection.close()
  database.close()
})

it('finds where a column comes from, through CTEs, stars, joins, aliases and unions', () => {
  expect(paths('last', 'shown', 'from')).toEqual(['1 joined.label', '1 stg.name', '2 raw_a.name'])
  expect(paths('last', 'place', 'from')).toEqual(['1 joined.town', '2 raw_b.town'])
  expect(paths('last', 'score', 'from')).toEqual(['1 step.score'])
  expect(paths('joined', 'biggest', 'from')).toEqual(['1 stg.size', '2 raw_a.size'])
})

it('finds what a column feeds', () => {
  const fed = lineage.walk('source.p.a', 'name', 'to').map(({ name, column }) => `${name}.${column}`)
  expect(fed).toEqual(['stg.name', 'joined.label', 'last.shown'])
  expect(lineage.walk('source.p.a', 'junk', 'to')).toEqual([])
})
