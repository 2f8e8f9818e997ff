import { describe, expect, it } from 'vitest'
import { type Builds, builds } from '../../../helpers/builds.ts'

const FILES = {
  'seeds/things.csv': 'id,size\n1,10\n2,20\n',
  'models/staging/stg_things.sql': `select * from {{ ref('things') }}`,
  'models/marts/whole.sql': `select id, size from {{ ref('stg_things') }}`,
  'models/marts/added.sql': `{{ config(materialized='incremental', unique_key='id') }}\nselect id, size\nfrom {{ ref('stg_things') }}`,
  'snapshots/history.yml': `snapshots: [{ name: history, relation: "ref('stg_things')", config: { strategy: check, check_cols: [size], unique_key: id } }]`,
}
const TABLES = ['marts.whole', 'marts.added', 'snapshots.history']

async function standing(world: Builds): Promise<unknown[]> {
  const all: unknown[] = []
  for (const table of TABLES) all.push(await world.rows(`select id, size from ${table} order by all`))
  return all
}

/** Whatever was made on the way is gone: no table but the project's own. */
async function leftOver(world: Builds): Promise<unknown[]> {
  return world.rows(`
    select table_name from duckdb_tables()
    where table_name not in ('things', 'whole', 'added', 'history') and schema_name in ('main', 'seeds', 'staging', 'marts', 'snapshots')`)
}

describe('nothing is lost and one thing is said', () => {
  it.each([
    ['a dropped source column', { 'seeds/things.csv': 'id,length\n1,10\n' }, /size/],
    [
      'a retyped source column',
      { 'seeds/things.csv': 'id,size\n1,2026-01-01\n2,2026-01-02\n' },
      /size (is|was) BIGINT/,
    ],
  ])('%s', async (_, change, message) => {
    const world = builds(FILES)
    expect((await world.build()).exit_code).toBe(0)
    const [, added, history] = await standing(world)
    world.write(change)
    const { exit_code, results } = await world.build({ as_of: '2026-11-23' })
    expect(exit_code).toBe(1)
    for (const name of ['added', 'history']) expect(world.result(name).message).toMatch(message)
    expect(results.filter(({ node, status }) => node.name === 'added' && status === 'error')).toHaveLength(1)
    expect((await standing(world)).slice(1)).toEqual([added, history])
    expect(await leftOver(world)).toEqual([])
    world.write({ 'seeds/things.csv': 'id,size\n1,10\n2,20\n3,30\n' })
    expect((await world.build({ as_of: '2026-11-24' })).exit_code).toBe(0)
    for (const rows of await standing(world)) expect(rows).toHaveLength(3)
  })

  it('a query that needs more memory than there is', async () => {
    const world = builds(FILES)
    await world.build()
    const before = await standing(world)
    const big = `select id, len(big) as size from {{ ref('stg_things') }} cross join (select list(r || 'a long text that is not shared' order by hash(r)) as big from range(4000000) as t(r))`
    world.write({
      'models/marts/whole.sql': big,
      'models/marts/added.sql': `{{ config(materialized='incremental', unique_key='id') }}\n${big}`,
    })
    const { exit_code } = await world.build({ set: ['targets.dev.memory_limit=60MB'] })
    expect(exit_code).toBe(1)
    for (const name of ['whole', 'added'])
      expect(world.result(name).message).toMatch(/^models\/marts\/\w+\.sql {2}Out of Memory Error/)
    expect(await standing(world)).toEqual(before)
    expect(await leftOver(world)).toEqual([])
  })

  it('models that return no rows are built, added to and kept', async () => {
    const typed = 'select cast(id as integer) as id, cast(size as integer) as size'
    const empty = {
      'seeds/things.csv': 'id,size\n',
      'models/staging/stg_things.sql': `${typed} from {{ ref('things') }}`,
    }
    const world = builds({ ...FILES, ...empty })
    expect((await world.build()).exit_code).toBe(0)
    expect(await standing(world)).toEqual([[], [], []])
    world.write({ 'models/staging/stg_things.sql': 'select 1 as id, 10 as size' })
    expect((await world.build({ as_of: '2026-11-23' })).exit_code).toBe(0)
    world.write({ 'models/staging/stg_things.sql': 'select 1 as id, 10 as size where false' })
    expect((await world.build({ as_of: '2026-11-24' })).exit_code).toBe(0)
    const row = [{ id: 1, size: 10 }]
    expect((await standing(world)).slice(1)).toEqual([row, row])
  })
})
