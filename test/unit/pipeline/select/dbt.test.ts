import { describe, expect, it } from 'vitest'
import { type Selection, selectNodes } from '../../../../pipeline/select.ts'
import { type Aspect, Comparison } from '../../../../pipeline/state/compare.ts'
import { graphOf } from '../../../helpers/graph.ts'

// The examples of dbt's pages on node selection (methods, graph operators, set operators, test selection), each with
// what it must select here. Names and folders are those of the examples.

const report = (v: number) => ({
  version: String(v),
  versioning: { name: 'report', version: String(v), latest: '2', v, latest_v: 2 },
})

const graph = graphOf({
  'source.shop.jaffle_shop.customers': {},
  'source.shop.jaffle_shop.orders': {},
  'source.shop.snowplow.event': {},
  'seed.shop.country_codes': {},
  'model.shop.staging.github.stg_issues': { patch: 'models/staging/github/github.yml', tags: ['nightly'] },
  'model.shop.staging.jaffle_shop.stg_customers': { deps: ['source.shop.jaffle_shop.customers'] },
  'model.shop.staging.jaffle_shop.stg_orders': { deps: ['source.shop.jaffle_shop.orders', 'seed.shop.country_codes'] },
  'model.shop.staging.snowplow.base_events': { deps: ['source.shop.snowplow.event'], tags: ['nightly', 'hourly'] },
  'model.shop.marts.customers': {
    deps: ['model.shop.staging.jaffle_shop.stg_customers', 'model.shop.staging.jaffle_shop.stg_orders'],
    access: 'public',
    group: 'finance',
    config: {
      materialized: 'incremental',
      unique_key: ['column_a', 'column_b'],
      grants: { select: ['reporter', 'analysts'] },
      meta: { contains_pii: true, owner: 'ana' },
      transient: true,
    },
  },
  'model.shop.marts.orders': {
    deps: ['model.shop.staging.jaffle_shop.stg_orders'],
    access: 'private',
    config: { materialized: 'table', schema: 'audit' },
  },
  'model.shop.marts.payments': { deps: ['model.shop.staging.snowplow.base_events'] },
  'model.shop.export.export_performance_timing': { deps: ['model.shop.marts.payments'] },
  'model.shop.marts.report.v1': { ...report(1), id: 'model.shop.report.v1', name: 'report' },
  'model.shop.marts.report.v2': { ...report(2), id: 'model.shop.report.v2', name: 'report' },
  'model.shop.marts.report.v3': { ...report(3), id: 'model.shop.report.v3', name: 'report' },
  'exposure.shop.weekly_kpis': { deps: ['model.shop.marts.orders'] },
  'unit_test.shop.marts.orders.orders_with_zero_items': { deps: ['model.shop.marts.orders'] },
  'test.shop.marts.unique_customers_id': {
    deps: ['model.shop.marts.customers'],
    generic: { name: 'unique', kwargs: {} },
    tags: ['my_column_tag'],
    config: { severity: 'warn' },
    severity: 'warn',
  },
  'test.shop.marts.equality_orders': {
    deps: ['model.shop.marts.orders'],
    generic: { name: 'dbt_utils.equality', kwargs: {} },
  },
  'test.shop.marts.relationships_orders_customers': {
    deps: ['model.shop.marts.orders', 'model.shop.marts.customers'],
    generic: { name: 'relationships', kwargs: {} },
  },
  'test.shop.marts.relationships_orders_stg_orders': {
    deps: ['model.shop.marts.orders', 'model.shop.staging.jaffle_shop.stg_orders'],
    generic: { name: 'relationships', kwargs: {} },
  },
  'test.shop.marts.not_null_source_customers': {
    deps: ['source.shop.jaffle_shop.customers'],
    generic: { name: 'not_null', kwargs: {} },
  },
  'test.shop.data.assert_total_payment_amount_is_positive': {
    deps: ['model.shop.marts.payments'],
    file: 'test/data/assert_total_payment_amount_is_positive.sql',
  },
})

const ofOrders = ['relationships_orders_customers', 'relationships_orders_stg_orders']
const testsOfOrders = ['equality_orders', 'orders_with_zero_items', ...ofOrders]

function selected(select: string[], more: Partial<Selection> = {}): string[] {
  return [...selectNodes(graph, { select, exclude: [], ...more })].map((id) => id.split('.').slice(2).join('.')).sort()
}

/** Without what comes along. */
const alone = (word: string) => selected([word], { indirect_selection: 'empty' })

describe('methods', () => {
  it.each([
    ['*.github.*', ['stg_issues']],
    ['package:*_source', []],
    ['package:sho?', selected(['fqn:*', 'source:*', 'exposure:*'])],
    ['package:this,resource_type:seed', ['country_codes']],
    ['access:public', ['customers']],
    ['access:private', ['orders']],
    ['access:protected,path:models/staging/github', ['stg_issues']],
    ['config.materialized:incremental', ['customers']],
    ['config.schema:audit', ['orders']],
    ['config.unique_key:column_a', ['customers']],
    ['config.grants.select:reporter', ['customers']],
    ['config.grants:select', ['customers']],
    ['config.meta.contains_pii:true', ['customers']],
    ['config.meta.owner:ana', ['customers']],
    ['config.meta.owner:bob', []],
    ['config.transient:true', ['customers']],
    ['config.severity:WARN', ['unique_customers_id']],
    ['exposure:weekly_kpis', ['weekly_kpis']],
    ['exposure:*', ['weekly_kpis']],
    ['+exposure:weekly_kpis,resource_type:model', ['orders', 'stg_orders']],
    ['+exposure:*,resource_type:source', ['jaffle_shop.orders']],
    ['file:stg_issues.sql', ['stg_issues']],
    ['stg_issues.sql', ['stg_issues']],
    ['file:stg_issues', ['stg_issues']],
    ['country_codes.csv', ['country_codes']],
    ['fqn:stg_issues', ['stg_issues']],
    ['fqn:shop.staging.github.stg_issues', ['stg_issues']],
    ['fqn:staging.github', ['stg_issues']],
    ['fqn:github.stg_issues', []],
    ['shop.marts.orders', ['orders', 'orders_with_zero_items']],
    ['stg_*', ['stg_customers', 'stg_issues', 'stg_orders']],
    ['group:finance', ['customers']],
    ['path:models/staging/github', ['stg_issues']],
    ['models/staging/github', ['stg_issues']],
    ['models/staging/github/', ['stg_issues']],
    ['./models/staging/github/stg_issues.sql', ['stg_issues']],
    ['models/staging/github/github.yml', ['stg_issues']],
    ['path:models/*/github', ['stg_issues']],
    ['path:models/**/stg_issues.sql', ['stg_issues']],
    ['path:models/stag', []],
    ['resource_type:exposure', ['weekly_kpis']],
    ['resource_type:source', ['jaffle_shop.customers', 'jaffle_shop.orders', 'snowplow.event']],
    ['source:snowplow', ['snowplow.event']],
    ['source:jaffle_shop.customers', ['jaffle_shop.customers']],
    ['source:shop.jaffle_shop.*', ['jaffle_shop.customers', 'jaffle_shop.orders']],
    [
      'source:snowplow+',
      [
        'assert_total_payment_amount_is_positive',
        'base_events',
        'export_performance_timing',
        'payments',
        'snowplow.event',
      ],
    ],
    ['tag:nightly', ['base_events', 'stg_issues']],
    ['tag:night*', ['base_events', 'stg_issues']],
    ['tag:my_column_tag', ['unique_customers_id']],
    ['test_name:unique', ['unique_customers_id']],
    ['test_name:equality', ['equality_orders']],
    ['test_name:dbt_utils.equality', ['equality_orders']],
    ['test_type:unit', ['orders_with_zero_items']],
    ['test_type:singular', ['assert_total_payment_amount_is_positive']],
    ['test_type:data,test_name:unique', ['unique_customers_id']],
    ['test_type:generic,orders', []],
    ['unit_test:*', ['orders_with_zero_items']],
    ['unit_test:orders_with_*', ['orders_with_zero_items']],
    ['version:latest', ['report.v2']],
    ['version:old', ['report.v1']],
    ['version:prerelease', ['report.v3']],
    ['version:none,models/staging/github', ['stg_issues']],
    ['report', ['report.v1', 'report.v2', 'report.v3']],
    ['report.v2', ['report.v2']],
    ['report_v2', ['report.v2']],
  ])('%s', (word, expected) => {
    expect(alone(word)).toEqual(expected)
  })
})

describe('graph operators', () => {
  it.each([
    ['orders+', ['orders', 'weekly_kpis', ...testsOfOrders]],
    ['+orders', ['country_codes', 'jaffle_shop.orders', 'orders', 'stg_orders']],
    [
      '+stg_orders+1',
      ['country_codes', 'customers', 'jaffle_shop.orders', 'orders', 'relationships_orders_stg_orders', 'stg_orders'],
    ],
    ['1+orders', ['orders', 'stg_orders']],
    ['stg_orders+1', ['customers', 'orders', 'relationships_orders_stg_orders', 'stg_orders']],
    ['@stg_customers,resource_type:model', ['customers', 'orders', 'stg_customers', 'stg_orders']],
    ['@source:snowplow,tag:nightly', ['base_events']],
    ['2+export_performance_timing', ['base_events', 'export_performance_timing', 'payments']],
  ])('%s', (word, expected) => {
    expect(alone(word)).toEqual([...expected].sort())
  })

  it('@ and + do not go together', () => {
    expect(() => alone('@orders+')).toThrow('@ and + do not go together')
  })
})

describe('set operators', () => {
  it.each([
    [['stg_orders stg_issues'], [], ['stg_issues', 'stg_orders']],
    [['stg_orders', 'stg_issues'], [], ['stg_issues', 'stg_orders']],
    [['+orders,+customers'], [], ['country_codes', 'jaffle_shop.orders', 'stg_orders']],
    [['marts.payments,tag:nightly'], [], []],
    [['models/staging'], ['tag:nightly'], ['stg_customers', 'stg_orders']],
    [['tag:nightly'], ['tag:hourly stg_orders'], ['stg_issues']],
    [['@source:snowplow,tag:nightly models/export'], ['package:shop,tag:hourly'], ['export_performance_timing']],
  ])('%j without %j', (select, exclude, expected) => {
    expect(selected(select, { exclude, indirect_selection: 'empty' })).toEqual(expected)
  })
})

describe('tests that come along', () => {
  const buildable = ['relationships_orders_stg_orders']
  it.each([
    ['orders', 'eager', ['orders', ...testsOfOrders]],
    ['orders', 'cautious', ['equality_orders', 'orders', 'orders_with_zero_items']],
    ['orders', 'buildable', ['equality_orders', 'orders', 'orders_with_zero_items', ...buildable]],
    ['orders', 'empty', ['orders']],
    [
      'orders customers',
      'cautious',
      [
        'customers',
        'equality_orders',
        'orders',
        'orders_with_zero_items',
        'relationships_orders_customers',
        'unique_customers_id',
      ],
    ],
    ['payments,test_type:singular', 'eager', ['assert_total_payment_amount_is_positive']],
    ['orders,test_type:unit', 'eager', ['orders_with_zero_items']],
    ['source:jaffle_shop.customers', 'eager', ['jaffle_shop.customers', 'not_null_source_customers']],
    ['assert_total_payment_amount_is_positive', 'eager', ['assert_total_payment_amount_is_positive']],
    [
      'config.materialized:incremental',
      'eager',
      ['customers', 'relationships_orders_customers', 'unique_customers_id'],
    ],
  ] as const)('%s, %s', (word, indirect_selection, expected) => {
    expect(selected([word], { indirect_selection })).toEqual([...expected].sort())
  })

  it('excluding a node excludes what tests it', () => {
    expect(selected(['orders', 'customers'], { exclude: ['customers'] })).toEqual(
      ['equality_orders', 'orders', 'orders_with_zero_items', 'relationships_orders_stg_orders'].sort(),
    )
    expect(selected([], { exclude: ['source:*'] })).not.toContain('not_null_source_customers')
  })
})

describe('state, result, source_status', () => {
  const changed = (...aspects: Aspect[]) => new Set(aspects)
  const known = {
    state: new Comparison(
      new Map<string, Set<Aspect> | 'new'>([
        ['model.shop.orders', changed('body')],
        ['model.shop.payments', changed('configs', 'contract')],
        ['model.shop.stg_issues', 'new' as const],
        ['model.shop.stg_orders', changed('relation')],
        ['seed.shop.country_codes', changed()],
      ]),
    ),
    results: () =>
      new Map([
        ['model.shop.orders', 'error'],
        ['test.shop.unique_customers_id', 'fail'],
        ['model.shop.customers', 'skipped'],
      ]),
    source_statuses: () => new Map([['source.shop.snowplow.event', { status: 'warn', fresher: true }]]),
  }
  it.each([
    ['state:new', ['stg_issues']],
    ['state:modified', ['orders', 'payments', 'stg_issues', 'stg_orders']],
    ['state:modified.body', ['orders', 'stg_issues']],
    ['state:modified.configs', ['payments', 'stg_issues']],
    ['state:modified.relation', ['stg_issues', 'stg_orders']],
    ['state:modified.contract', ['payments', 'stg_issues']],
    ['state:modified.macros', []],
    ['state:unmodified', ['country_codes']],
    ['state:old', ['country_codes', 'orders', 'payments', 'stg_orders']],
    ['result:error', ['orders']],
    ['1+result:fail', ['customers', 'unique_customers_id']],
    ['result:skipped', ['customers']],
    ['source_status:fresher+1', ['base_events', 'snowplow.event']],
    ['source_status:warn', ['snowplow.event']],
    ['source_status:error', []],
  ])('%s', (word, expected) => {
    expect(selected([word], { known, indirect_selection: 'empty' })).toEqual(expected)
  })
})

describe('what is not understood is said', () => {
  it.each([
    ['tags:nightly', "--select  'tags:nightly': there is no method 'tags'\n  Did you mean tag?"],
    ['ordrs', "--select  'ordrs' selects nothing\n  Did you mean orders?"],
    ['state:modifed', "'state:modifed': state knows no 'modifed'\n  Did you mean modified?"],
    ['resource_type:modl', "resource_type knows no 'modl'\n  Did you mean model?"],
    ['test_type:integration', "test_type knows no 'integration'"],
    ['config:table', 'names no setting'],
    ['source:a.b.c.d', 'has too many parts for a source'],
    ['selector:nightly', "'selector:nightly': there is no such selector\n  Selectors are written in selectors.yml."],
    ['tag:', 'selects by nothing'],
    ['state:new', 'there is no state to compare with here'],
  ])('%s', (word, message) => {
    expect(() => selected([word])).toThrow(message)
  })

  it('--selector beside --select', () => {
    expect(() => selected(['orders'], { selector: 'nightly' })).toThrow('does not go together')
  })
})
