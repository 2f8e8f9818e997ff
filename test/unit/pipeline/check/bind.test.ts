import { describe, expect, it } from 'vitest'
import { inspectProject } from '../../../../pipeline/check/project-check.ts'
import type { Step } from '../../../../pipeline/step.ts'
import { load, projectFolder } from '../../../helpers/project.ts'

const LANDED: Step = {
  name: 'land_orders',
  kind: 'resource',
  stage: 'discovery',
  file: 'test/orders.ts',
  description: 'Lands orders.',
  reads: [],
  records: [
    {
      source: 'shop',
      table: 'orders',
      description: 'Orders.',
      write: 'merge',
      key: ['id'],
      payload: true,
      columns: {
        id: 'VARCHAR',
        customer: 'STRUCT(name VARCHAR, age INTEGER)',
        amount: 'DECIMAL(9,2)',
        ordered_on: 'DATE',
      },
    },
  ],
  builds: [
    {
      schema: 'discovery',
      name: 'rated_orders',
      description: 'Rated orders.',
      columns: { id: 'VARCHAR', rating: 'DOUBLE' },
      key: ['id'],
    },
  ],
  fingerprint: null,
  run: async () => ({ rows: 0, text: '' }),
}

async function check(files: Record<string, string>) {
  const project = await load(projectFolder(files), { steps: [LANDED] })
  const { problems, skipped, bound, catalogue } = await inspectProject(project)
  const told = problems.map(
    ({ file, line, message, hint }) => `${file}:${line ?? '?'}  ${message}${hint === undefined ? '' : ` | ${hint}`}`,
  )
  return { told, skipped: skipped.map(({ name, reason }) => `${name}: ${reason}`), bound, catalogue }
}

const ORDERS = `select id, customer.name as customer_name, amount, ordered_on, _fetched_at, _load, _payload\nfrom {{ source('shop', 'orders') }}`

describe('what binds', () => {
  it('is every kind of relation, with its types and no rows', async () => {
    const { told, skipped, bound, catalogue } = await check({
      'models/staging/stg_orders.sql': ORDERS,
      'models/staging/stg_rated.sql': `select rated_orders.*, as_of() as day from {{ ref('rated_orders') }} as rated_orders;`,
      'models/marts/dim_runs.sql': `select run_id, as_of from {{ source('ledger', 'runs') }} -- the last line is a comment`,
      'seeds/rates.csv': 'currency,rate,since\nBRL,2,2026-01-01\n',
      'models/marts/priced.sql': `select currency, rate * 2 as doubled, since from {{ ref('rates') }}`,
      'analyses/look.sql': `select count(*) from {{ ref('priced') }}`,
      'test/data/no_negative_rates.sql': `select * from {{ ref('rates') }} where rate < 0`,
    })
    expect(told).toEqual([])
    expect(skipped).toEqual([])
    expect(bound).toBe(6)
    expect(catalogue.get('staging.stg_orders')).toEqual([
      { name: 'id', type: 'VARCHAR' },
      { name: 'customer_name', type: 'VARCHAR' },
      { name: 'amount', type: 'DECIMAL(9,2)' },
      { name: 'ordered_on', type: 'DATE' },
      { name: '_fetched_at', type: 'TIMESTAMP' },
      { name: '_load', type: 'BIGINT' },
      { name: '_payload', type: 'JSON' },
    ])
    expect(catalogue.get('marts.priced')).toEqual([
      { name: 'currency', type: 'VARCHAR' },
      { name: 'doubled', type: 'BIGINT' },
      { name: 'since', type: 'DATE' },
    ])
  })
})

describe('what does not', () => {
  it('is said all at once, each at its own line with the nearest name', async () => {
    const { told } = await check({
      'models/staging/stg_orders.sql': ORDERS,
      'models/marts/wrong_column.sql': `-- é, so that bytes are not letters\nselect\n    id,\n    amuont\nfrom {{ ref('stg_orders') }}`,
      'models/marts/wrong_function.sql': `select\n    lowr(id) as id\nfrom {{ ref('stg_orders') }}`,
      'models/marts/wrong_type.sql': `select\n    id\nfrom {{ ref('stg_orders') }}\nwhere ordered_on > 5`,
      'models/marts/ambiguous.sql': `select id\nfrom {{ ref('stg_orders') }} as a\ninner join {{ ref('rated_orders') }} as b on a.id = b.id`,
      'models/marts/no_such_table.sql': `select *\nfrom staging.stg_ordres`,
      'models/marts/no_such_field.sql': `select\n    customer.name,\n    customer.nmae\nfrom {{ source('shop', 'orders') }}`,
      'models/marts/not_excluded.sql': `select *\n    exclude (nope)\nfrom {{ ref('stg_orders') }}`,
      'models/marts/not_sql.sql': `select id,, amount\nfrom {{ ref('stg_orders') }}`,
      'analyses/look.sql': `select count(*)\nfrom {{ ref('stg_orders') }}\nwhere nothing = 1`,
      'test/data/no_rows.sql': `select 1\nfrom {{ ref('stg_orders') }}\nwhere amount < 'x'::date`,
    })
    const short = told.map((each) => each.slice(0, 200))
    expect(short).toEqual([
      'analyses/look.sql:3  Referenced column "nothing" not found in FROM clause! | Known: _fetched_at, _load, _payload, amount, customer_name, id, ordered_on.',
      'models/marts/ambiguous.sql:1  Ambiguous reference to column name "id" (use: "a.id" or "b.id")',
      'models/marts/no_such_field.sql:3  Could not find key "nmae" in struct | Did you mean name?',
      "models/marts/no_such_table.sql:2  Table with name stg_ordres does not exist! | Did you mean {{ ref('stg_orders') }}?",
      'models/marts/not_excluded.sql:2  Column "nope" in EXCLUDE list not found in FROM clause | Known: _fetched_at, _load, _payload, amount, customer_name, id, ordered_on.',
      'models/marts/not_sql.sql:1  syntax error at or near ","',
      'models/marts/wrong_column.sql:4  Referenced column "amuont" not found in FROM clause! | Did you mean amount?',
      'models/marts/wrong_function.sql:2  Scalar Function with name lowr does not exist! | Did you mean lower?',
      'models/marts/wrong_type.sql:4  Cannot compare values of type DATE and type INTEGER_LITERAL - an explicit cast is required',
      'test/data/no_rows.sql:3  Cannot compare values of type DECIMAL(9,2) and type DATE - an explicit cast is required',
    ])
  })

  it('hides nothing that is wrong for another reason, and follows nothing up', async () => {
    const { told, skipped } = await check({
      'models/staging/a.sql': `select idd from {{ source('shop', 'orders') }}`,
      'models/staging/b.sql': `select id from {{ ref('a') }}`,
      'models/marts/c.sql': `select id from {{ ref('b') }}`,
      'models/marts/d.sql': `select foo(id) as id from {{ source('shop', 'orders') }}`,
      'models/marts/d.yml': `version: 2\nmodels:\n  - name: b\n    columns:\n      - name: id\n        data_tests: [unique]\n`,
    })
    expect(told.map((each) => each.split('  ')[0])).toEqual(['models/marts/d.sql:1', 'models/staging/a.sql:1'])
    expect(skipped).toEqual(['b: it reads a', 'c: it reads b', expect.stringMatching(/^unique_b_id: it reads b$/)])
  })

  it('is what a freshness names and its source does not have', async () => {
    const files = {
      'models/sources.yml': `version: 2
sources:
  - name: shop
    tables:
      - name: orders
        freshness: { warn_after: { count: 1, period: day } }
        loaded_at_field: orderd_on
  - name: other
    schema: other
    loaded_at_field: loaded_at
    freshness: { warn_after: { count: 1, period: day }, filter: "kind = 'x'" }
    tables:
      - name: things
        columns: [{ name: loaded_at, data_type: timestamp }, { name: kinds, data_type: varchar }]
`,
    }
    expect((await check(files)).told).toEqual([
      expect.stringMatching(/^models\/sources\.yml:7 .*freshness of shop\.orders.*orderd_on.*ordered_on/s),
      expect.stringMatching(/^models\/sources\.yml:10 .*freshness of other\.things.*kind.*kinds/s),
    ])
  })

  it('is a table named by hand: where it stands and what to write', async () => {
    const { told, skipped } = await check({
      'models/marts/a_reader.sql': `with stg_orders as (\n    select * from staging.stg_orders\n),\n\nrated as (select * from rated_orders)\n\nselect stg_orders.id from stg_orders, rated`,
      'models/staging/stg_orders.sql': ORDERS,
      'models/marts/reads_ledger.sql': `select id\nfrom raw.shop__orders`,
    })
    const must = 'by its name, so nothing knows that it must be built before'
    expect(told).toEqual([
      `models/marts/a_reader.sql:2  reads staging.stg_orders ${must} | Write {{ ref('stg_orders') }} in its place.`,
      `models/marts/a_reader.sql:5  reads rated_orders ${must} | Write {{ ref('rated_orders') }} in its place.`,
      `models/marts/reads_ledger.sql:2  reads raw.shop__orders ${must} | Write {{ source('shop', 'orders') }} in its place.`,
    ])
    expect(skipped).toEqual([])
  })

  it('does not mistake a CTE for a table, wherever it is declared', async () => {
    const { told } = await check({
      'models/staging/stg_orders.sql': ORDERS,
      'models/marts/b.sql': `with stg_orders as (select * from {{ ref('stg_orders') }}), n as (select count(*) as n from stg_orders)\nselect * from stg_orders, (with rated_orders as (select * from n) select * from rated_orders) as x`,
      'models/marts/c.sql': `with recursive stg_orders(n) as (select 1 union all select n + 1 from stg_orders where n < 5) select n from stg_orders`,
    })
    expect(told).toEqual([])
  })

  it('is YAML that describes what the SQL does not have, once', async () => {
    const { told } = await check({
      'models/staging/stg_orders.sql': ORDERS,
      'models/staging/stg_orders.yml': `version: 2
models:
  - name: stg_orders
    columns:
      - name: ID
        data_tests: [unique]
      - name: custmer_name
        data_tests: [not_null]
      - name: amount
        data_tests:
          - accepted_values: { values: ['a'] }
          - not_null
          - not_null: { config: { where: "amuont > 1" } }
`,
      'seeds/rates.csv': 'currency,rate\nBRL,0.2\n',
      'seeds/rates.yml': `version: 2\nseeds:\n  - name: rates\n    columns:\n      - name: curency\n`,
    })
    expect(told.map((each) => each.slice(0, 140))).toEqual([
      "models/staging/stg_orders.yml:7  describes the column 'custmer_name', which models/staging/stg_orders.sql does not have | Did you mean customer_name?".slice(
        0,
        140,
      ),
      expect.stringMatching(
        /^models\/staging\/stg_orders.yml:13 {2}the test not_null_stg_orders_amount: Referenced column "amuont" not found/,
      ),
      "seeds/rates.yml:5  describes the column 'curency', which seeds/rates.csv does not have | Did you mean currency?",
    ])
  })
})

it('a contract that the SQL does not keep is said once, with both sides', async () => {
  const { told } = await check({
    'models/staging/stg_orders.sql': ORDERS,
    'models/marts/promised.sql': `select id, amount from {{ ref('stg_orders') }}`,
    'models/marts/promised.yml': `version: 2
models:
  - name: promised
    config: { contract: { enforced: true } }
    columns:
      - { name: id, data_type: varchar }
      - { name: amount, data_type: integer }
      - { name: lost, data_type: date }
`,
  })
  expect(told).toHaveLength(1)
  expect(told[0]).toMatch(/^models\/marts\/promised\.yml:\d+ {2}promised does not keep its contract/)
  expect(told[0]).toMatch(/amount +.*DECIMAL\(9,2\) +.*INTEGER +.*data type mismatch/)
  expect(told[0]).toMatch(/lost +.*DATE +.*missing in definition/)
})

describe('what keeps state', () => {
  it('binds both texts of an incremental model, and a fault of both once', async () => {
    const model = (columns: string, condition: string) =>
      `{{ config(materialized='incremental', unique_key='id') }}\nselect ${columns}\nfrom {{ source('shop', 'orders') }}\n{% if is_incremental() %}\nwhere ${condition}\n{% endif %}`
    const { told } = await check({
      'models/marts/right.sql': model('id, ordered_on', 'ordered_on > (select max(ordered_on) from {{ this }})'),
      'models/marts/adds_wrong.sql': model('id, ordered_on', 'orderd_on > (select max(ordered_on) from {{ this }})'),
      'models/marts/wrong_both.sql': model('idd', 'true'),
    })
    expect(told).toEqual([
      'models/marts/adds_wrong.sql:5  Referenced column "orderd_on" not found in FROM clause! | Did you mean ordered_on?',
      'models/marts/wrong_both.sql:2  Referenced column "idd" not found in FROM clause! | Did you mean id?',
    ])
  })

  it('knows the columns of a snapshot, and what its settings name', async () => {
    const snapshot = (name: string, key: string) =>
      `  - name: ${name}\n    relation: ref('stg_orders')\n    config: { strategy: timestamp, unique_key: ${key}, updated_at: _fetched_at }\n`
    const { told, catalogue } = await check({
      'models/staging/stg_orders.sql': ORDERS,
      'snapshots/orders.yml': `version: 2\nsnapshots:\n${snapshot('orders_seen', 'id')}${snapshot('orders_lost', 'idd')}`,
      'models/marts/reads.sql': `select dbt_valid_from, amount from {{ ref('orders_seen') }}`,
    })
    expect(told).toEqual([
      'snapshots/orders.yml:6  the snapshot orders_lost: Referenced column "idd" not found in FROM clause! | Did you mean id?',
    ])
    expect(catalogue.get('marts.reads')?.map(({ type }) => type)).toEqual(['TIMESTAMP', 'DECIMAL(9,2)'])
  })
})

describe('what cannot be seen', () => {
  it('is counted with its reason: files that are not there, pivots over data, tables without types', async () => {
    const { told, skipped } = await check({
      'models/staging/stg_orders.sql': ORDERS,
      'models/staging/from_file.sql': `select * from read_csv('nowhere/at_all.csv')`,
      'models/staging/pivoted.sql': `pivot {{ ref('stg_orders') }} on customer_name using sum(amount) group by ordered_on`,
      'models/marts/reads_pivot.sql': `select "Ana" from {{ ref('pivoted') }}`,
      'models/marts/listed.sql': `from (pivot {{ ref('stg_orders') }} on customer_name in ('Ana') using sum(amount) group by ordered_on) select "Ana"`,
      'models/staging/sources.yml': `version: 2\nsources:\n  - name: other\n    tables:\n      - name: untyped\n        columns: [{ name: id }]\n      - name: typed\n        columns: [{ name: id, data_type: integer }]\n`,
      'models/marts/reads_untyped.sql': `select anything from {{ source('other', 'untyped') }}`,
      'models/marts/reads_typed.sql': `select id + 1 as next from {{ source('other', 'typed') }}`,
    })
    expect(told).toEqual([])
    expect(skipped.sort()).toEqual([
      expect.stringMatching(/^from_file: .*nowhere\/at_all.csv/),
      'pivoted: the columns of its PIVOT depend on data; list them with IN (…)',
      'reads_pivot: it reads pivoted',
      'reads_untyped: it reads untyped',
      'untyped: models/staging/sources.yml does not give every column of other.untyped a data_type',
    ])
  })
})
