import { describe, expect, it } from 'vitest'
import { parseThreshold, verdict } from '../../../../pipeline/tests/threshold.ts'
import { type Built, buildProject } from '../../../helpers/build.ts'
import { load, problemsOf, projectFolder } from '../../../helpers/project.ts'

const ROWS = `select unnest([1, 2, 3, null]) as id, unnest(['a', 'b', 'a', null]) as word, date '2026-11-20' as day`

const project = (tests: string, sql = ROWS) => ({
  'models/marts/things.sql': sql,
  'models/marts/others.sql': `select 1 as id, '{{ var('x', 'y') }}' as word`,
  'models/marts/things.yml': `version: 2\nmodels:\n  - name: things\n${tests}`,
})

async function tested(tests: string, work?: (built: Built) => Promise<void>, more: Record<string, string> = {}) {
  const built = await buildProject({ ...project(tests), ...more })
  await work?.(built)
  built.world.close()
  return Object.fromEntries(
    built.results.flatMap(({ node, status, failures, message }) =>
      node.kind === 'test' ? [[node.name, [status, failures, message]]] : [],
    ),
  )
}

describe('thresholds', () => {
  it('are what dbt writes', () => {
    const cases: [string, number[], number[]][] = [
      ['>10', [11], [10, 0]],
      ['!= 0', [1], [0]],
      ['<> 0', [1], [0]],
      ['between 1 and 5', [1, 5], [0, 6]],
      ['NOT BETWEEN 1 AND 5', [0, 6], [1, 5]],
      ['in (1, 2)', [1, 2], [3]],
      ['not in (0)', [1], [0]],
      ['>= 2', [2], [1]],
      ['= 3', [3], [2]],
    ]
    for (const [text, yes, no] of cases) {
      const holds = parseThreshold(text)!
      expect([text, yes.every(holds), no.some(holds)]).toEqual([text, true, false])
    }
    for (const text of ['10', 'many', '> x', 'between 1', '> 1 or 1 = 1']) expect(parseThreshold(text)).toBeUndefined()
  })

  it('decide as dbt decides: error_if first, unless the severity is warn', () => {
    expect(verdict(5, 'error', {})).toBe('fail')
    expect(verdict(5, 'warn', {})).toBe('warn')
    expect(verdict(5, 'error', { error_if: '>10' })).toBe('warn')
    expect(verdict(5, 'error', { error_if: '>10', warn_if: '>7' })).toBe('pass')
    expect(verdict(50, 'error', { error_if: '>10', warn_if: '>7' })).toBe('fail')
    expect(verdict(50, 'warn', { error_if: '>10' })).toBe('warn')
    expect(verdict(0, 'error', { error_if: '= 0' })).toBe('fail')
  })
})

describe('data tests', () => {
  it("are written in all of dbt's ways", async () => {
    const outcomes = await tested(`    tests:
      - expression_is_true: { expression: id < 3, name: flat }
      - dbt_utils.expression_is_true: { arguments: { expression: id < 3 }, config: { severity: warn }, name: nested }
      - { name: named, test_name: expression_is_true, arguments: { expression: id < 2 }, severity: warn }
      - unique: { column_name: "word || ''", name: of_an_expression }
    data_tests:
      - dbt_utils.unique_combination_of_columns: { combination_of_columns: [word], where: id is not null, name: flat_config }
      - expression_is_true: { name: rendered, expression: "word <> '{{ var('x', 'a') }}'", config: { where: "id < {{ var('n', 3) }}" } }
    columns:
      - name: id
        tests: [{ not_null: { name: own_name, severity: WARN } }]
        data_tests:
          - dbt_expectations.expect_column_values_to_not_be_null: { row_condition: id > 0, name: conditional }
          - relationships: { to: ref('others'), field: id, name: related, config: { where: id = 1 } }
`)
    expect(outcomes).toEqual({
      flat: ['fail', 1, '1 row breaks flat'],
      nested: ['warn', 1, '1 row breaks nested'],
      named: ['warn', 2, '2 rows break named'],
      of_an_expression: ['fail', 1, '1 row breaks of_an_expression'],
      flat_config: ['fail', 1, '1 row breaks flat_config'],
      rendered: ['fail', 1, '1 row breaks rendered'],
      own_name: ['warn', 1, '1 row breaks own_name'],
      conditional: ['pass', 0, ''],
      related: ['pass', 0, ''],
    })
  })

  it('severity, thresholds, limit and fail_calc', async () => {
    const outcomes = await tested(`    columns:
      - name: id
        tests:
          - not_null: { name: allowed, error_if: '>5', warn_if: '>1' }
          - not_null: { name: warned, error_if: '>5' }
          - accepted_values: { name: limited, values: [9], quote: false, limit: 2 }
          - accepted_values: { name: calculated, values: [9], quote: false, fail_calc: "sum(n_records) * 10" }
          - accepted_values: { name: calculated_nothing, values: [1, 2, 3], quote: false, fail_calc: sum(n_records) }
`)
    expect(outcomes).toMatchObject({
      allowed: ['pass', 1, '1 row breaks allowed, which its configuration allows'],
      warned: ['warn', 1, '1 row breaks warned'],
      limited: ['fail', 2, '2 rows break limited'],
      calculated: ['fail', 30, '30 rows break calculated'],
    })
    expect(outcomes.calculated_nothing).toMatchObject([
      'error',
      undefined,
      expect.stringMatching(/fail_calc of calculated_nothing came to NULL/),
    ])
  })

  it('an error is that of the test that has it; the others of its table are found all the same', async () => {
    const outcomes = await tested(`    columns:
      - { name: id, tests: [{ not_null: { name: good } }] }
      - { name: missing, tests: [{ not_null: { name: bad } }] }
      - { name: word, tests: [{ accepted_values: { name: other, values: [a] } }] }
`)
    expect(outcomes).toMatchObject({ good: ['fail', 1, '1 row breaks good'], other: ['fail', 1, '1 row breaks other'] })
    expect(outcomes.bad).toMatchObject([
      'error',
      undefined,
      expect.stringMatching(/models\/marts\/things\.yml.*"missing" not found/s),
    ])
  })

  it('--store-failures is for tests that say nothing of it themselves', async () => {
    const tests = `    columns:
      - name: id
        tests:
          - not_null: { name: silent }
          - not_null: { name: refusing, store_failures: false, where: 'true' }
          - not_null: { name: viewed, store_failures_as: view, where: 'id is null' }
`
    const { graph } = await load(projectFolder(project(tests)), { store_failures: true })
    const stores = [...graph.nodes.values()].flatMap((node) =>
      node.kind === 'test' ? [[node.name, node.store?.as]] : [],
    )
    expect(Object.fromEntries(stores)).toEqual({ silent: 'table', refusing: undefined, viewed: 'view' })
  })

  it('failures are stored as a table or as a view in dbt_test__audit, and stored again when they are not there', async () => {
    const tests = `    columns:
      - name: id
        tests:
          - not_null: { name: kept, store_failures: true, warn_if: '!= 0', severity: warn }
          - not_null: { name: viewed, store_failures_as: view, alias: by_alias, severity: warn }
          - not_null: { name: counted, store_failures: true, store_failures_as: ephemeral, severity: warn }
          - unique: { name: none_failed, store_failures: true }
`
    const first = await buildProject(project(tests))
    const { world } = first
    const { connection } = world
    const kept = `select schema_name || '.' || table_name as name, 'table' as kind from duckdb_tables() where schema_name = 'dbt_test__audit' union all
      select schema_name || '.' || view_name, 'view' from duckdb_views() where schema_name = 'dbt_test__audit' order by all`
    expect(await connection.rows(kept)).toEqual([
      { name: 'dbt_test__audit.by_alias', kind: 'view' },
      { name: 'dbt_test__audit.kept', kind: 'table' },
      { name: 'dbt_test__audit.none_failed', kind: 'table' },
    ])
    expect(await connection.rows('select id, word from dbt_test__audit.kept')).toEqual([{ id: null, word: null }])
    expect(await connection.rows('select count(*) as n from dbt_test__audit.none_failed')).toEqual([{ n: 0 }])
    const warned = first.results.find(({ node }) => node.name === 'viewed')!
    expect(warned).toMatchObject({ status: 'warn', failures: 1, query: 'select * from dbt_test__audit.by_alias' })
    await connection.run('drop table dbt_test__audit.none_failed')
    await buildProject(project(tests.replace('store_failures_as: view', 'store_failures_as: table')), { again: world })
    expect((await connection.rows<{ kind: string }>(kept)).map(({ kind }) => kind)).toEqual(['table', 'table', 'table'])
    world.close()
  })

  it('a passed one is not run again until it or its table changes', async () => {
    const tests = `    columns: [{ name: id, tests: [{ not_null: { name: only, warn_if: '>1', error_if: '>1' } }] }]\n`
    const first = await buildProject(project(tests))
    const again = await buildProject(project(tests), { again: first.world })
    expect([
      again.status.only,
      again.message.only,
      again.results.find(({ node }) => node.name === 'only')?.failures,
    ]).toEqual(['pass', 'unchanged', 1])
    const stricter = await buildProject(project(tests.replaceAll('>1', '>0')), { again: first.world })
    expect(stricter.status.only).toBe('fail')
    first.world.close()
  })

  it('what reads a model that broke its test is not built', async () => {
    const built = await buildProject({
      ...project(`    columns: [{ name: id, tests: [not_null] }]\n`),
      'models/marts/reader.sql': `select * from {{ ref('things') }}`,
    })
    expect([built.status.reader, built.message.reader]).toEqual(['skipped', 'because of not_null_things_id'])
    built.world.close()
  })

  it('singular tests are configured where they stand or in a property file', async () => {
    const outcomes = await tested('    columns: []\n', undefined, {
      'test/data/inline.sql': `{{ config(severity='warn', error_if='>1', limit=1) }}\nselect * from {{ ref('things') }}`,
      'test/data/described.sql': `select * from {{ ref('things') }}`,
      'test/data/off.sql': `{{ config(enabled=false) }}select 1`,
      'test/data/tests.yml':
        'version: 2\ndata_tests:\n  - { name: described, config: { severity: warn, warn_if: ">100" } }\n',
    })
    expect(outcomes).toEqual({
      inline: ['warn', 1, '1 row breaks inline'],
      described: ['pass', 4, '4 rows break described, which its configuration allows'],
    })
  })

  it('keep the ids that dbt_utils names have, apart from plain ones', async () => {
    const root = projectFolder(project(`    tests: [{ dbt_utils.equal_rowcount: { compare_model: ref('others') } }]\n`))
    const { graph } = await load(root)
    const test = [...graph.nodes.values()].find(({ kind }) => kind === 'test')!
    expect(test.name).toMatch(/^dbt_utils_equal_rowcount_things_/)
    expect(test.deps).toEqual(['model.demo.things', 'model.demo.others'])
  })
})

describe('what is wrong with a test is said with its line', () => {
  const problems = (tests: string) => problemsOf(project(tests))

  it('names, arguments, configuration', async () => {
    expect(
      await problems(`    tests:
      - dbt_utils.recencyy: { field: day }
      - accepted_vales: { values: [1] }
      - dbt_utils.expect_column_to_exist
      - dbt_utils.recency:
          field: day
          datpart: day
          datepart: day
          interval: 1
      - expression_is_true:
          arguments:
            expresion: x
      - equality: { compare_model: ref('othrs') }
      - expression_is_true:
          expression: id > 0
          config:
            severty: warn
            error_if: many
      - expression_is_true:
          expression: id > 0
          severity: bad
`),
    ).toEqual([
      "models/marts/things.yml:5  there is no test 'dbt_utils.recencyy' | Did you mean dbt_utils.recency?",
      "models/marts/things.yml:6  there is no test 'accepted_vales' | Did you mean accepted_values?",
      "models/marts/things.yml:7  there is no test 'dbt_utils.expect_column_to_exist' | Did you mean dbt_expectations.expect_column_to_exist?",
      expect.stringMatching(/^models\/marts\/things\.yml:10 .*unknown key 'datpart' \| Did you mean datepart\?/),
      expect.stringMatching(/^models\/marts\/things\.yml:15 .*unknown key 'expresion' \| Did you mean expression\?/),
      "models/marts/things.yml:16  compare_model: ref('othrs') names no model, seed or step table | Did you mean others?",
      expect.stringMatching(
        /^models\/marts\/things\.yml:21 .*error_if: is compared with the number of failures: .*"many"/,
      ),
      expect.stringMatching(/^models\/marts\/things\.yml:20 .*unknown key 'severty' \| Did you mean severity\?/),
      expect.stringMatching(/^models\/marts\/things\.yml:24 .*severity: must be 'warn' or 'error'/),
    ])
  })

  it('columns, and two stores of one name', async () => {
    expect(await problems('    tests: [not_null, { expect_column_to_exist: {} }]\n')).toEqual([
      "models/marts/things.yml:4  the test 'not_null' needs a column | Write it below a column.",
      "models/marts/things.yml:4  the test 'expect_column_to_exist' needs a column | Write it below a column.",
    ])
    expect(
      await problems('    columns: [{ name: id, tests: [{ equality: { compare_model: "ref(\'others\')" } }] }]\n'),
    ).toEqual(["models/marts/things.yml:4  the test 'equality' takes no column | Write it below the model."])
    const store = '{ not_null: { store_failures: true, alias: same } }'
    expect(
      await problems(`    columns: [{ name: id, tests: [${store}] }, { name: word, tests: [${store}] }]\n`),
    ).toEqual([
      'models/marts/things.yml  two tests keep their failures in dbt_test__audit.same | Give one of them an alias. The other is in models/marts/things.yml.',
    ])
  })
})
