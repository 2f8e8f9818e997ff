import { describe, expect, it } from 'vitest'
import { contentSum } from '../../../../pipeline/warehouse/state.ts'
import { type Builds, builds } from '../../../helpers/builds.ts'
import { problemsOf } from '../../../helpers/project.ts'

const NEWER = `{% if is_incremental() %}\nwhere day > (select max(day) from {{ this }})\n{% endif %}`
const EVENTS = 'id,day,amount\n1,2026-01-01,10\n2,2026-01-02,20\n'
const MORE = `${EVENTS}3,2026-01-03,30\n`

function events(config: string, where = NEWER, seed = EVENTS): Builds {
  return builds({
    'seeds/events.csv': seed,
    'models/marts/totals.sql': `{{ config(materialized='incremental'${config}) }}\nselect * from {{ ref('events') }}\n${where}`,
  })
}

const TOTALS = 'select * from marts.totals order by all'
const totals = (world: Builds) => world.rows(TOTALS)
const amounts = async (world: Builds) =>
  (await world.rows<{ id: number; amount: number }>(TOTALS)).map(({ id, amount }) => [id, amount])

describe('an incremental model', () => {
  it('is built whole first, then added to, then left alone', async () => {
    const world = events('')
    await world.build()
    expect(await amounts(world)).toEqual([
      [1, 10],
      [2, 20],
    ])
    world.write({ 'seeds/events.csv': `id,day,amount\n1,2026-01-01,99\n2,2026-01-02,20\n3,2026-01-03,30\n` })
    await world.build()
    expect(world.result('totals')).toMatchObject({ status: 'success', rows: 3 })
    expect(await amounts(world)).toEqual([
      [1, 10],
      [2, 20],
      [3, 30],
    ])
    await world.build()
    expect(world.result('totals')).toMatchObject({ status: 'reused', rows: 3 })
  })

  it('is built whole again by --full-refresh, by a view in its place, and where its table is gone', async () => {
    const world = events('')
    await world.build()
    world.write({ 'seeds/events.csv': EVENTS.replace(',10\n', ',99\n') })
    await world.build()
    expect(await amounts(world)).toContainEqual([1, 10])
    await world.build({ full_refresh: true })
    expect(await amounts(world)).toContainEqual([1, 99])
    world.write({ 'seeds/events.csv': EVENTS.replace(',10\n', ',77\n') })
    await world.forget()
    await world.build()
    expect(await amounts(world)).toContainEqual([1, 77])
  })

  it('that was a view is built whole', async () => {
    const world = builds({
      'seeds/events.csv': EVENTS,
      'models/marts/totals.sql': `{{ config(materialized='view') }}select * from {{ ref('events') }}`,
    })
    await world.build()
    world.write({
      'models/marts/totals.sql': `{{ config(materialized='incremental') }}select * from {{ ref('events') }} ${NEWER}`,
    })
    await world.build()
    expect(await amounts(world)).toHaveLength(2)
  })

  it('with full_refresh: false is added to even by --full-refresh', async () => {
    const world = events(', full_refresh=false')
    await world.build()
    world.write({ 'seeds/events.csv': MORE.replace(',10\n', ',99\n') })
    await world.build({ full_refresh: true })
    expect(await amounts(world)).toEqual([
      [1, 10],
      [2, 20],
      [3, 30],
    ])
  })

  it('keeps its version where nothing was added, so that what reads it is left alone', async () => {
    const world = events('')
    world.write({
      'models/marts/totals.sql': `{{ config(materialized='incremental') }}select * from {{ ref('events') }} ${NEWER}`,
    })
    const { build } = world
    await build()
    const [before] = await world.rows<{ version: string }>(
      `select version from _state.nodes where id = 'model.demo.totals'`,
    )
    world.write({ 'seeds/events.csv': EVENTS.replace(',10\n', ',11\n') })
    await build()
    expect(world.result('totals')).toMatchObject({ status: 'success', message: 'same rows as before' })
    const after = await world.rows<{ version: string }>(
      `select version from _state.nodes where id = 'model.demo.totals'`,
    )
    expect(after.map(({ version }) => version)).toEqual([before!.version, before!.version])
  })

  it.each([
    ['append', ''],
    ['delete+insert', `, unique_key='id', incremental_strategy='delete+insert'`],
    ['merge', `, unique_key=['id', 'day'], incremental_strategy='merge'`],
    ['delete+insert with a predicate', `, unique_key='id', incremental_predicates='DBT_INTERNAL_DEST.id > 2'`],
    [
      'merge with a predicate',
      `, unique_key='id', incremental_strategy='merge', incremental_predicates=['DBT_INTERNAL_DEST.amount < 5']`,
    ],
    [
      'a new column',
      `, unique_key='id', on_schema_change='sync_all_columns'`,
      MORE.replaceAll('\n', ',x\n').replace('amount,x', 'amount,note'),
    ],
  ])('has after %s the version that a whole reading would give it', async (_, config, more = MORE) => {
    const world = events(config, `{% if is_incremental() %} where id >= 2 {% endif %}`)
    await world.build()
    world.write({ 'seeds/events.csv': more.replace('2,2026-01-02,20', '2,2026-01-02,21') })
    await world.build()
    const [kept] = await world.rows<{ version: string }>(
      `select version from _state.nodes where id = 'model.demo.totals' order by rowid desc limit 1`,
    )
    const [read] = await world.rows<{ version: string }>(
      `select count(*) || ':' || ${contentSum('marts.totals')} || ':' || any_value(typeof(_row)) as version from marts.totals as _row`,
    )
    expect(kept).toEqual(read)
  })

  it('runs its other text, whose reads count as its own', async () => {
    const world = builds({
      'seeds/events.csv': EVENTS,
      'models/marts/late.sql': 'select 9 as id',
      'models/marts/totals.sql': `{{ config(materialized='incremental') }}
select id from {% if not is_incremental() %}{{ ref('events') }}{% else %}{{ ref('late') }}{% endif %}`,
    })
    await world.build()
    expect(await world.rows('select id from marts.totals order by id')).toEqual([{ id: 1 }, { id: 2 }])
    world.write({ 'models/marts/late.sql': 'select 10 as id' })
    await world.build()
    expect(await world.rows('select id from marts.totals order by id')).toEqual([{ id: 1 }, { id: 2 }, { id: 10 }])
  })

  it('stands as it was when a run fails, and says the line', async () => {
    const world = events('')
    await world.build()
    world.write({
      'seeds/events.csv': MORE,
      'models/marts/totals.sql': `{{ config(materialized='incremental') }}\nselect *\n, cast('x' as integer) as broken\nfrom {{ ref('events') }}`,
    })
    const { exit_code } = await world.build()
    expect(exit_code).toBe(1)
    expect(world.result('totals').message).toMatch(/^models\/marts\/totals\.sql:3 {2}Conversion Error/)
    expect(await amounts(world)).toHaveLength(2)
  })
})

describe('delete+insert and merge', () => {
  const LOOKBACK = `{% if is_incremental() %} where day >= '2026-01-02' {% endif %}`

  it.each(['delete+insert', 'merge'])('%s replaces the rows of the keys that come', async (strategy) => {
    const world = events(`, unique_key='id', incremental_strategy='${strategy}'`, LOOKBACK)
    await world.build()
    world.write({ 'seeds/events.csv': 'id,day,amount\n1,2026-01-01,99\n2,2026-01-02,21\n3,2026-01-03,30\n' })
    await world.build()
    expect(await amounts(world)).toEqual([
      [1, 10],
      [2, 21],
      [3, 30],
    ])
  })

  it.each(['delete+insert', 'merge'])(
    '%s finds rows by all of several columns, NULL being a value',
    async (strategy) => {
      const seed = 'id,day,amount\n1,2026-01-01,10\n1,,20\n,2026-01-01,30\n,,40\n'
      const world = events(`, unique_key=['id', 'day'], incremental_strategy='${strategy}'`, '', seed)
      await world.build()
      world.write({ 'seeds/events.csv': seed.replaceAll('0\n', '1\n') })
      await world.build()
      const rows = await world.rows<{ amount: number }>('select amount from marts.totals order by amount')
      expect(rows.map(({ amount }) => amount)).toEqual([11, 21, 31, 41])
    },
  )

  it.each(['delete+insert', 'merge'])('%s touches only rows that the predicates allow', async (strategy) => {
    const config = `, unique_key='id', incremental_strategy='${strategy}', incremental_predicates=["DBT_INTERNAL_DEST.day >= '2026-01-02'"]`
    const world = events(config, '')
    await world.build()
    world.write({ 'seeds/events.csv': MORE.replace(',10\n', ',99\n').replace(',20\n', ',21\n') })
    await world.build()
    expect(await amounts(world)).toEqual([
      [1, 10],
      [1, 99],
      [2, 21],
      [3, 30],
    ])
  })

  it('delete+insert keeps all rows of a key that comes twice', async () => {
    const world = events(`, unique_key='id'`, '')
    await world.build()
    world.write({ 'seeds/events.csv': 'id,day,amount\n1,2026-01-01,11\n1,2026-01-01,12\n2,2026-01-02,20\n' })
    await world.build()
    expect(await amounts(world)).toEqual([
      [1, 11],
      [1, 12],
      [2, 20],
    ])
  })

  it('merge refuses a key that comes twice, at first and later', async () => {
    const twice = 'id,day,amount\n1,2026-01-01,11\n1,2026-01-01,12\n'
    const config = `, unique_key='id', incremental_strategy='merge'`
    const world = events(config, '')
    await world.build()
    world.write({ 'seeds/events.csv': twice })
    expect((await world.build()).exit_code).toBe(1)
    expect(world.result('totals').message).toContain(
      'models/marts/totals.sql  the strategy merge needs one row per unique_key, and 1 key has several (id)',
    )
    expect(await amounts(world)).toHaveLength(2)
    expect((await events(config, '', twice).build()).exit_code).toBe(1)
  })

  it('a batch without rows changes nothing', async () => {
    const world = events(
      `, unique_key='id', incremental_strategy='merge'`,
      '{% if is_incremental() %} where false {% endif %}',
    )
    await world.build()
    const before = await totals(world)
    world.write({ 'seeds/events.csv': MORE })
    await world.build()
    expect(world.result('totals')).toMatchObject({ status: 'success', message: 'same rows as before', rows: 2 })
    expect(await totals(world)).toEqual(before)
  })

  it('says so when the model does not give its key', async () => {
    const world = events(`, unique_key='key'`, '')
    await world.build()
    world.write({ 'seeds/events.csv': MORE })
    await world.build()
    expect(world.result('totals').message).toContain(`unique_key names 'key', which the model does not give`)
  })
})

describe('on_schema_change', () => {
  const OTHER = 'id,amount,note\n1,10.5,a\n2,20.5,b\n'

  async function changed(mode: string, seed = OTHER) {
    const world = events(`, unique_key='id', on_schema_change='${mode}'`, '')
    await world.build()
    world.write({ 'seeds/events.csv': seed })
    const { exit_code } = await world.build()
    return { world, exit_code, message: world.result('totals').message, rows: await totals(world) }
  }
  const old = [
    { id: 1, day: '2026-01-01', amount: 10 },
    { id: 2, day: '2026-01-02', amount: 20 },
  ]

  it('fail names what is new, gone and of another type', async () => {
    const { message, rows } = await changed('fail')
    expect(message).toContain('note VARCHAR is new; day is gone; amount was BIGINT and is DOUBLE')
    expect(rows).toEqual(old)
  })

  it('ignore leaves new columns out and refuses to go without one', async () => {
    const more = await changed('ignore', 'id,day,amount,note\n1,2026-01-01,11,a\n')
    expect(more.rows).toEqual([{ id: 1, day: '2026-01-01', amount: 11 }, old[1]])
    const less = await changed('ignore')
    expect(less.message).toContain('no longer gives day, and on_schema_change is ignore')
    expect(less.rows).toEqual(old)
  })

  it('append_new_columns adds and keeps', async () => {
    const { rows } = await changed('append_new_columns', 'id,amount,note\n2,21,b\n')
    expect(rows).toEqual([
      { ...old[0], note: null },
      { id: 2, day: null, amount: 21, note: 'b' },
    ])
  })

  it.each(['ignore', 'append_new_columns'])('%s loses no value of another type', async (mode) => {
    const { message, rows } = await changed(mode, 'id,day,amount\n1,2026-01-01,10.5\n2,2026-01-02,20.0\n')
    expect(message).toContain('amount is BIGINT in the table and DOUBLE in the model now, and 1 value does not fit')
    expect(rows).toEqual(old)
  })

  it('sync_all_columns makes the table what the model is', async () => {
    const { rows } = await changed('sync_all_columns', 'id,amount,note\n2,20.5,b\n')
    expect(rows).toEqual([
      { id: 1, amount: 10, note: null },
      { id: 2, amount: 20.5, note: 'b' },
    ])
  })

  it('whatever the mode, --full-refresh builds it anew', async () => {
    const { world } = await changed('fail')
    await world.build({ full_refresh: true })
    expect(await totals(world)).toEqual([
      { id: 1, amount: 10.5, note: 'a' },
      { id: 2, amount: 20.5, note: 'b' },
    ])
  })
})

describe('what is wrong with an incremental model', () => {
  const model = (head: string) => ({
    'models/marts/m.sql': `\n{{ config(materialized='incremental'${head}) }}select 1 as id`,
  })

  it.each([
    [
      model(`, incremental_strategy='upsert'`),
      `models/marts/m.sql:2  incremental_strategy: must be one of append, delete+insert, merge (it is "upsert")`,
    ],
    [model(`,\n incremental_strategy='merge'`), 'models/marts/m.sql:3  the strategy merge needs a unique_key'],
    [
      model(`, incremental_strategy='delete+insert'`),
      'models/marts/m.sql:2  the strategy delete+insert needs a unique_key',
    ],
    [
      model(`, on_schema_change='sync'`),
      'models/marts/m.sql:2  on_schema_change: must be one of ignore, fail, append_new_columns, sync_all_columns (it is "sync")',
    ],
    [model(`, unique_keys='id'`), `models/marts/m.sql:2  config(unique_keys=...) is not understood`],
    [
      { ...model(''), 'models/marts/m.yml': 'models:\n  - name: m\n    config:\n      incremental_strategy: merge\n' },
      'models/marts/m.yml:4  the strategy merge needs a unique_key',
    ],
    [
      { ...model(''), 'models/marts/m.yml': 'models:\n  - name: m\n    config: { incremental_strategy: upsert }\n' },
      'models/marts/m.yml:3  models.0.config.incremental_strategy: must be one of append, delete+insert, merge',
    ],
    [
      {
        'models/marts/m.sql': `{{ config(materialized='incremental') }}\nselect 1 {% if is_incremental() %}\n, {{ ref('nothing') }} {% endif %}`,
      },
      `models/marts/m.sql:3  ref('nothing') names no model`,
    ],
    [
      { 'models/marts/m.sql': `select 1 as id\nfrom {{ ref('m') }}` },
      `models/marts/m.sql:2  ref('m') reads the model itself | An incremental model reads itself as {{ this }}.`,
    ],
  ])('%j is said with its place', async (files, message) => {
    expect((await problemsOf(files)).join('\n')).toContain(message)
  })
})
