import { describe, expect, it } from 'vitest'
import { type Builds, builds } from '../../../helpers/builds.ts'
import { problemsOf } from '../../../helpers/project.ts'

interface Version {
  id: number
  name: string
  from: string
  to: string | null
}

const seed = (...rows: string[]) => `id,name,updated_at\n${rows.map((row) => `${row}\n`).join('')}`
const FIRST = seed('1,Ana,2026-01-01', '2,Bia,2026-01-02')

function people(config: string, first = FIRST): Builds {
  return builds({
    'seeds/people.csv': first,
    'snapshots/people.yml': `snapshots:
  - name: people_history
    relation: ref('people')
    config:
      unique_key: id
${config.replaceAll(/^\s*/gm, '      ')}
`,
    'models/marts/names.sql': `select id, name from {{ ref('people_history') }} where dbt_valid_to is null`,
  })
}

const TIMESTAMP = 'strategy: timestamp\nupdated_at: updated_at'
const CHECK = 'strategy: check\ncheck_cols: all'

async function versions(world: Builds): Promise<[number, string, string, string | null][]> {
  const rows = await world.rows<Version>(`
    select id, name, strftime(dbt_valid_from, '%m-%d') as from, strftime(dbt_valid_to, '%m-%d') as to
    from snapshots.people_history order by id, dbt_valid_from, dbt_valid_to nulls last`)
  return rows.map(({ id, name, from, to }) => [id, name, from, to])
}

const runs = (world: Builds) =>
  world.rows('select run_id from _ledger.log.runs order by seq').then((rows) => rows.length)

describe('a snapshot by timestamp', () => {
  it('opens a version for every row, then one for every later updated_at, and closes the one before', async () => {
    const world = people(TIMESTAMP)
    await world.build({ as_of: '2026-02-01' })
    expect(await versions(world)).toEqual([
      [1, 'Ana', '01-01', null],
      [2, 'Bia', '01-02', null],
    ])
    world.write({ 'seeds/people.csv': seed('1,Anna,2026-02-01', '2,Bianca,2026-01-02', '3,Caio,2026-02-02') })
    await world.build({ as_of: '2026-02-02' })
    expect(world.result('people_history')).toMatchObject({ status: 'success', message: '2 opened, 1 closed' })
    expect(await versions(world)).toEqual([
      [1, 'Ana', '01-01', '02-01'],
      [1, 'Anna', '02-01', null],
      [2, 'Bia', '01-02', null],
      [3, 'Caio', '02-02', null],
    ])
    expect(await world.rows('select name from marts.names order by id')).toEqual([
      { name: 'Anna' },
      { name: 'Bia' },
      { name: 'Caio' },
    ])
  })

  it('writes nothing where nothing changed: the ledger has no run for it', async () => {
    const world = people(TIMESTAMP)
    await world.build()
    await world.build()
    expect(world.result('people_history').status).toBe('reused')
    await world.forget()
    await world.build()
    expect(world.result('people_history')).toMatchObject({ status: 'success', message: 'nothing changed' })
    expect(await runs(world)).toBe(1)
    expect(await versions(world)).toHaveLength(2)
  })

  it('keeps what a deleted build file and --full-refresh cannot compute again', async () => {
    const world = people(TIMESTAMP)
    await world.build({ as_of: '2026-02-01' })
    world.write({ 'seeds/people.csv': seed('1,Anna,2026-02-01') })
    await world.build({ as_of: '2026-02-02' })
    const before = await versions(world)
    await world.forget()
    await world.build({ as_of: '2026-02-03', full_refresh: true })
    expect(await versions(world)).toEqual(before)
  })

  it('shows a past date as it was known then, and a replay writes nothing', async () => {
    const world = people(TIMESTAMP)
    await world.build({ as_of: '2026-02-01' })
    world.write({ 'seeds/people.csv': seed('1,Anna,2026-02-01', '2,Bia,2026-01-02') })
    await world.build({ as_of: '2026-02-05' })
    world.write({ 'seeds/people.csv': seed('1,Anita,2026-02-04', '9,Zoe,2026-02-04') })
    await world.build({ as_of: '2026-02-03' })
    expect(world.result('people_history').message).toBe('a replay records nothing')
    expect(await versions(world)).toEqual([
      [1, 'Ana', '01-01', null],
      [2, 'Bia', '01-02', null],
    ])
    await world.build({ as_of: '2026-01-31' })
    expect(await versions(world)).toEqual([])
    await world.build({ as_of: '2026-02-05' })
    expect((await versions(world)).map(([, name]) => name)).toEqual(['Ana', 'Anna', 'Anita', 'Bia', 'Zoe'])
  })

  it('is empty, not absent, in a replay of a time before it was first taken', async () => {
    const world = people(TIMESTAMP)
    await world.build({ as_of: '2026-02-05' })
    world.write({
      'models/marts/names.sql': `select count(*) as rows, count(dbt_scd_id) as ids from {{ ref('late') }}`,
      'snapshots/late.yml': `snapshots: [{ name: late, relation: "ref('people')", config: { strategy: check, check_cols: all, unique_key: id } }]`,
    })
    expect((await world.build({ as_of: '2026-02-01' })).exit_code).toBe(0)
    expect(await world.rows('select rows from marts.names')).toEqual([{ rows: 0 }])
    expect((await world.build({ as_of: '2026-02-06' })).exit_code).toBe(0)
    expect(await world.rows('select rows from marts.names')).toEqual([{ rows: 2 }])
  })
})

describe('hard_deletes', () => {
  const GONE = seed('2,Bia,2026-01-02')

  it.each([
    ['ignore', [[1, 'Ana', '01-01', null]]],
    ['invalidate', [[1, 'Ana', '01-01', '02-02']]],
    [
      'new_record',
      [
        [1, 'Ana', '01-01', '02-02'],
        [1, 'Ana', '02-02', null],
      ],
    ],
  ])('%s', async (mode, expected) => {
    const world = people(`${TIMESTAMP}\nhard_deletes: ${mode}`)
    await world.build({ as_of: '2026-02-01' })
    world.write({ 'seeds/people.csv': GONE })
    await world.build({ as_of: '2026-02-02' })
    expect((await versions(world)).filter(([id]) => id === 1)).toEqual(expected)
    await world.forget()
    await world.build({ as_of: '2026-02-03' })
    expect(world.result('people_history').message).toBe('nothing changed')
  })

  it.each(['invalidate', 'new_record'])(
    '%s: a row that comes back opens a version where the gap ends',
    async (mode) => {
      const world = people(`${TIMESTAMP}\nhard_deletes: ${mode}`)
      await world.build({ as_of: '2026-02-01' })
      world.write({ 'seeds/people.csv': GONE })
      await world.build({ as_of: '2026-02-02' })
      world.write({ 'seeds/people.csv': FIRST })
      await world.build({ as_of: '2026-02-03' })
      const rows = await world.rows<{ from: string; to: string | null }>(`
      select strftime(dbt_valid_from, '%m-%d') as from, strftime(dbt_valid_to, '%m-%d') as to, dbt_scd_id
      from snapshots.people_history where id = 1 order by dbt_valid_from, dbt_valid_to nulls last`)
      expect(rows.map(({ from, to }) => [from, to]).at(-1)).toEqual(['02-02', null])
      const ids = await world.rows('select dbt_scd_id from snapshots.people_history')
      expect(new Set(ids.map((row) => row.dbt_scd_id)).size).toBe(ids.length)
      await world.forget()
      await world.build({ as_of: '2026-02-04' })
      expect(world.result('people_history').message).toBe('nothing changed')
    },
  )

  it('new_record says in dbt_is_deleted what is gone', async () => {
    const world = people(`${TIMESTAMP}\nhard_deletes: new_record`)
    await world.build({ as_of: '2026-02-01' })
    world.write({ 'seeds/people.csv': GONE })
    await world.build({ as_of: '2026-02-02' })
    const rows = await world.rows(
      'select dbt_is_deleted from snapshots.people_history where id = 1 order by dbt_valid_from',
    )
    expect(rows).toEqual([{ dbt_is_deleted: 'False' }, { dbt_is_deleted: 'True' }])
  })
})

describe('a snapshot by check', () => {
  it('opens a version where a checked column differs, NULL being a value', async () => {
    const world = people('strategy: check\ncheck_cols: [name]')
    await world.build({ as_of: '2026-02-01' })
    world.write({ 'seeds/people.csv': seed('1,,2026-01-01', '2,Bia,2026-03-03') })
    await world.build({ as_of: '2026-02-02' })
    expect(await versions(world)).toEqual([
      [1, 'Ana', '02-01', '02-02'],
      [1, null, '02-02', null],
      [2, 'Bia', '02-01', null],
    ])
  })

  it('keeps both of two versions of one day apart', async () => {
    const world = people(CHECK)
    await world.build({ as_of: '2026-02-01' })
    for (const name of ['Anna', 'Anita']) {
      world.write({ 'seeds/people.csv': seed(`1,${name},2026-01-01`, '2,Bia,2026-01-02') })
      await world.build({ as_of: '2026-02-01' })
    }
    const rows = await world.rows('select dbt_scd_id from snapshots.people_history where id = 1')
    expect(new Set(rows.map((row) => row.dbt_scd_id)).size).toBe(3)
    expect(await world.rows('select name from marts.names order by id')).toEqual([{ name: 'Anita' }, { name: 'Bia' }])
  })

  it('takes new columns in, keeps those that are gone, and widens types', async () => {
    const world = people(CHECK, 'id,name,score\n1,Ana,1\n2,Bia,2\n')
    await world.build({ as_of: '2026-02-01' })
    world.write({ 'seeds/people.csv': 'id,name,score,city\n1,Ana,1.5,Recife\n2,Bia,2,\n' })
    await world.build({ as_of: '2026-02-02' })
    world.write({ 'seeds/people.csv': 'id,name,city\n1,Anna,Recife\n2,Bia,\n' })
    await world.build({ as_of: '2026-02-03' })
    const rows = await world.rows(
      `select id, name, score, city from snapshots.people_history order by id, dbt_valid_from`,
    )
    expect(rows).toEqual([
      { id: 1, name: 'Ana', score: 1, city: null },
      { id: 1, name: 'Ana', score: 1.5, city: 'Recife' },
      { id: 1, name: 'Anna', score: null, city: 'Recife' },
      { id: 2, name: 'Bia', score: 2, city: null },
    ])
  })

  it('refuses a type that cannot hold what is kept', async () => {
    const world = people(CHECK, 'id,name,score\n1,Ana,1.5\n')
    await world.build({ as_of: '2026-02-01' })
    world.write({ 'seeds/people.csv': 'id,name,score\n1,Ana,2026-01-01\n' })
    expect((await world.build({ as_of: '2026-02-02' })).exit_code).toBe(1)
    expect(world.result('people_history').message).toContain(
      `snapshots/people.yml  the snapshot people_history: score was DOUBLE and is DATE, and neither holds the other's values`,
    )
    expect(await world.rows('select score from snapshots.people_history')).toEqual([{ score: 1.5 }])
  })
})

describe('the settings of a snapshot', () => {
  it('dbt_valid_to_current and snapshot_meta_column_names say how it is shown', async () => {
    const world = people(
      `${TIMESTAMP}\ndbt_valid_to_current: "date '9999-12-31'"\nsnapshot_meta_column_names: { dbt_valid_to: until, dbt_valid_from: since }`,
    )
    world.write({ 'models/marts/names.sql': `select id, since, until from {{ ref('people_history') }}` })
    await world.build({ as_of: '2026-02-01' })
    expect(await world.rows('select cast(until as date) as until from marts.names')).toEqual([
      { until: '9999-12-31' },
      { until: '9999-12-31' },
    ])
    world.write({ 'seeds/people.csv': seed('1,Anna,2026-02-01') })
    await world.build({ as_of: '2026-02-02' })
    expect(
      await world.rows('select cast(until as date) as until from marts.names where id = 1 order by since'),
    ).toEqual([{ until: '2026-02-01' }, { until: '9999-12-31' }])
  })

  it('finds rows by several columns or an expression', async () => {
    const world = people(`${CHECK}`)
    world.write({
      'snapshots/people.yml': `snapshots:
  - { name: people_history, relation: "ref('people')", config: { strategy: check, check_cols: all, unique_key: [id, "lower(name)"] } }`,
      'seeds/people.csv': seed('1,Ana,2026-01-01', '1,Bia,2026-01-01'),
    })
    await world.build({ as_of: '2026-02-01' })
    world.write({ 'seeds/people.csv': seed('1,ANA,2026-01-01', '1,Bia,2026-01-01') })
    await world.build({ as_of: '2026-02-02' })
    expect((await versions(world)).map(([, name, , to]) => [name, to]).sort()).toEqual([
      ['ANA', null],
      ['Ana', '02-02'],
      ['Bia', null],
    ])
  })

  it.each([
    ['2 of its rows have no unique_key', seed(',Ana,2026-01-01', ',Bia,2026-01-01')],
    ['1 of its keys have several rows (id)', seed('1,Ana,2026-01-01', '1,Bia,2026-01-01')],
    ['1 of its rows have no updated_at', seed('1,Ana,', '2,Bia,2026-01-01')],
  ])('refuses rows that make no history: %s', async (message, rows) => {
    const world = people(TIMESTAMP)
    await world.build({ as_of: '2026-02-01' })
    world.write({ 'seeds/people.csv': rows })
    expect((await world.build({ as_of: '2026-02-02' })).exit_code).toBe(1)
    expect(world.result('people_history').message).toContain(message)
    expect(await versions(world)).toHaveLength(2)
  })

  it.each([
    ['strategy: timestamp', `snapshots/s.yml:4  the strategy timestamp needs updated_at`],
    ['strategy: check', `snapshots/s.yml:4  the strategy check needs check_cols`],
    ['strategy: latest', `snapshots/s.yml:4  snapshots.0.config.strategy: must be timestamp or check (it is "latest")`],
    ['updated_at: x', 'snapshots.0.config.strategy: must be timestamp or check'],
    ['strategy: check, check_cols: all, hard_delete: ignore', `unknown key 'hard_delete' | Did you mean hard_deletes?`],
  ])('is checked with its line: %s', async (config, message) => {
    const yml = `snapshots:\n  - name: s\n    relation: ref('x')\n    config: { unique_key: id, ${config} }\n`
    const said = await problemsOf({ 'seeds/x.csv': 'id\n1\n', 'snapshots/s.yml': yml })
    expect(said.join('\n')).toContain(message)
  })

  it('needs a key, a relation that exists and a name of its own', async () => {
    const config = 'config: { strategy: check, check_cols: all, unique_key: id }'
    const yml = `snapshots:
  - { name: x, relation: "ref('x')", ${config} }
  - { name: s, relation: "ref('y')", ${config} }
  - { name: t, relation: marts.y, ${config} }
`
    const said = await problemsOf({ 'seeds/x.csv': 'id\n1\n', 'snapshots/s.yml': yml })
    expect(said.join('\n')).toContain(`snapshots/s.yml:2  'x' is also the name of seeds/x.csv`)
    expect(said.join('\n')).toContain(`snapshots/s.yml:3  relation: ref('y') names no model`)
    expect(said.join('\n')).toContain(`snapshots/s.yml:4  relation 'marts.y' is neither ref('…') nor source('…', '…')`)
    const keyless = `snapshots: [{ name: s, relation: "ref('x')", config: { strategy: check, check_cols: all } }]`
    expect((await problemsOf({ 'seeds/x.csv': 'id\n1\n', 'snapshots/s.yml': keyless })).join('\n')).toContain(
      "snapshots.0.config: key 'unique_key' is missing",
    )
  })
})
