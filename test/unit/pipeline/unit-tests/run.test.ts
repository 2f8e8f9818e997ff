import { describe, expect, it } from 'vitest'
import { buildProject } from '../../../helpers/build.ts'
import { problemsOf } from '../../../helpers/project.ts'

const PROJECT = {
  'seeds/levels.csv': 'word,level\ndiretor,top\nanalista,low\n',
  'models/staging/people.sql': `select cast(null as integer) as id, cast(null as varchar) as title, cast(null as date) as since, cast(null as decimal(9,2)) as pay where false`,
  'models/marts/ranked.sql': `-- Who is who.
with

people as (

    select * from {{ ref('people') }} where title <> 'with ('

),

levels as (

    select * from {{ ref('levels') }}

),

joined as (

    select
        people.id,
        coalesce(levels.level, '{{ var('unknown', 'none') }}') as level,
        people.since,
        date_diff('day', people.since, as_of()) as days,
        people.pay

    from people

    left join levels on levels.word = people.title

)

select * from joined where level <> 'low'
`,
}

const unit = (body: string) => `version: 2\nunit_tests:\n${body}`

const GOOD = unit(`
  - name: takes_levels
    model: ranked
    given:
      - input: ref('people')
        rows:
          - { id: 1, title: diretor, since: 2026-01-01, pay: 10.50 }
          - { id: 2, title: analista }
          - { id: 3, title: dono }
      - input: ref('levels')
    expect:
      rows:
        - { ID: 3, level: none, pay: null }
        - { ID: 1, level: top, pay: 10.5 }
`)

async function outcome(yaml: string, more: Record<string, string> = {}) {
  const built = await buildProject({ ...PROJECT, 'models/marts/ranked.yml': yaml, ...more })
  built.world.close()
  const result = built.results.find(({ node }) => node.kind === 'unit_test')!
  return { ...built, result }
}

describe('unit tests', () => {
  it('run the model on given rows: order does not matter, only what is expected is compared, a seed has its own rows', async () => {
    const { result, status, results } = await outcome(GOOD)
    expect(result.message).toBe('')
    expect(status).toMatchObject({ takes_levels: 'pass', ranked: 'success' })
    const order = results.map(({ node }) => node.name)
    expect(order.indexOf('takes_levels')).toBeLessThan(order.indexOf('ranked'))
  })

  it('a failed one says which rows differ and in what, and its model is not built', async () => {
    const { result, status, message } = await outcome(GOOD.replace('level: top', 'level: low'))
    expect(status).toMatchObject({ takes_levels: 'fail', ranked: 'skipped' })
    expect(message.ranked).toBe('because of the unit test takes_levels')
    expect(result.failures).toBe(2)
    expect(result.message).toBe(
      [
        'models/marts/ranked.yml:13  unit test takes_levels of ranked: 1 expected row is missing, 1 row is unexpected',
        '            id  level  pay',
        'expected    1   low    10.50',
        'actual      1   top    10.50',
        '                ^^^',
      ].join('\n'),
    )
  })

  it('inputs that are not given are empty, a seed among them', async () => {
    const { result } = await outcome(
      unit(`
  - name: nobody
    model: ranked
    given: [{ input: ref('people'), rows: [{ id: 1, title: diretor }] }]
    expect: { rows: [{ level: none }] }
`),
    )
    expect(result.message).toBe('')
    const empty = await outcome(unit(`  - { name: none, model: ranked, expect: { rows: [] } }\n`))
    expect(empty.result.status).toBe('pass')
  })

  it('rows repeat as often as expected, NULL is NULL and not text', async () => {
    const { result } = await outcome(
      unit(`
  - name: twice
    model: ranked
    given: [{ input: ref('people'), format: csv, rows: "id,title,pay\\n1,x,\\n1,x,\\n1,x,2" }]
    expect: { rows: [{ id: 1, pay: null }, { id: 1, pay: 2.0 }, { id: 2, pay: null }] }
`),
    )
    expect(result.message.split('\n').slice(1)).toEqual([
      '            id  pay',
      'expected    2   NULL',
      'actual      1   NULL',
      '            ^',
    ])
  })

  it('one CTE of the model is tested by itself', async () => {
    const yaml = unit(`
  - name: of_a_cte
    model: ranked
    given: [{ input: ref('people'), rows: [{ id: 2, title: analista }] }, { input: ref('levels') }]
    expect: { cte: joined, rows: [{ id: 2, level: low }] }
`)
    expect((await outcome(yaml)).result).toMatchObject({ status: 'pass', message: '' })
    const top = yaml
      .replace('    model: ranked', '    model: ranked\n    cte: Levels')
      .replace(
        'cte: joined, rows: [{ id: 2, level: low }]',
        'format: csv, rows: "word,level\\nanalista,low\\ndiretor,top"',
      )
    expect((await outcome(top)).result).toMatchObject({ status: 'pass', message: '' })
  })

  it('vars and the clock are overridden, for this test only', async () => {
    const yaml = unit(`
  - name: with_overrides
    model: ranked
    given: [{ input: ref('people'), rows: [{ id: 1, title: x, since: 2026-01-01 }] }]
    overrides: { vars: { unknown: nobody }, as_of: 2026-01-31 }
    expect: { rows: [{ level: nobody, days: 30 }] }
  - name: without
    model: ranked
    given: [{ input: ref('people'), rows: [{ id: 1, title: x, since: 2026-01-01 }] }]
    expect: { rows: [{ level: none, days: 325 }] }
`)
    expect((await outcome(yaml)).status).toMatchObject({ with_overrides: 'pass', without: 'pass' })
  })

  it('csv and sql, written there or in a fixture', async () => {
    const yaml = unit(`
  - name: from_files
    model: ranked
    given: [{ input: ref('people'), format: csv, fixture: some_people }]
    expect: { format: sql, fixture: some_levels }
  - name: from_sql
    model: ranked
    given:
      - input: ref('people')
        format: sql
        rows: |
          select 1 as id, 'x' as title
          union all select 2, 'y'
    expect:
      format: sql
      rows: select 2 as id union all select 1
`)
    const { status, message } = await outcome(yaml, {
      'test/fixtures/some_people.csv': 'id,title,since\n1,"a, b",2026-01-01\n2,"",\n',
      'test/fixtures/some_levels.sql': `select 1 as id, date '2026-01-01' as since union all select 2, null`,
    })
    expect([status, message]).toMatchObject([{ from_files: 'pass', from_sql: 'pass' }, { from_files: '' }])
  })

  it('an incremental model is run as it adds to what stands', async () => {
    const { status, message } = await outcome(
      unit(`
  - name: adds
    model: counted
    overrides: { macros: { is_incremental: true } }
    given:
      - { input: ref('people'), rows: [{ id: 1 }, { id: 2 }] }
      - { input: this, rows: [{ id: 1 }] }
    expect: { rows: [{ id: 2 }] }
  - name: fills
    model: counted
    given: [{ input: ref('people'), rows: [{ id: 1 }, { id: 2 }] }]
    expect: { rows: [{ id: 1 }, { id: 2 }] }
`),
      {
        'models/marts/counted.sql': `{{ config(materialized='incremental', unique_key='id') }}
select id from {{ ref('people') }}
{% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}`,
      },
    )
    expect([status, message]).toMatchObject([
      { adds: 'pass', fills: 'pass' },
      { adds: '', fills: '' },
    ])
  })

  it('a passed one is not run again until what it depends on changes; rows do not count', async () => {
    const files = { ...PROJECT, 'models/marts/ranked.yml': GOOD }
    const first = await buildProject(files)
    const again = await buildProject(files, { again: first.world })
    expect(again.message.takes_levels).toBe('unchanged')
    const sql = PROJECT['models/staging/people.sql']
    const rows = { ...files, 'models/staging/people.sql': `-- more\n${sql}` }
    const changed = await buildProject(
      { ...rows, 'seeds/levels.csv': 'word,level\ndiretor,high\n' },
      { again: first.world },
    )
    expect(changed.status.takes_levels).toBe('fail')
    first.world.close()
  })

  it('is selected with its model, by its kind and alone', async () => {
    const files = { ...PROJECT, 'models/marts/ranked.yml': GOOD }
    for (const select of [['ranked'], ['resource_type:unit_test'], ['takes_levels']]) {
      const built = await buildProject(files, { select })
      expect([select, Object.keys(built.status)]).toEqual([
        select,
        select[0] === 'ranked' ? ['takes_levels', 'ranked'] : ['takes_levels'],
      ])
      built.world.close()
    }
  })
})

describe('what is wrong with a unit test is said with its line', () => {
  const problems = (yaml: string) => problemsOf({ ...PROJECT, 'models/marts/ranked.yml': yaml })
  const errorOf = async (yaml: string) => (await outcome(yaml)).result.message

  it('before anything runs', async () => {
    expect(await problems(GOOD.replace('model: ranked', 'model: rankd'))).toEqual([
      "models/marts/ranked.yml:5  unit test 'takes_levels': there is no model 'rankd' | Did you mean ranked?",
    ])
    expect(await problems(GOOD.replace("ref('people')", "ref('peple')"))).toEqual([
      "models/marts/ranked.yml:7  unit test 'takes_levels': ref('peple') names no model, seed or step table | Did you mean people?",
    ])
    expect(await problems(GOOD.replace("ref('people')", "ref('ranked')"))).toEqual([
      "models/marts/ranked.yml:7  unit test 'takes_levels': ranked does not read ref('ranked') | Known: ref('levels'), ref('people').",
    ])
    expect(await problems(GOOD.replace('    expect:', '    cte: jioned\n    expect:'))).toEqual([
      "models/marts/ranked.yml:13  unit test 'takes_levels': ranked has no CTE 'jioned' | Did you mean joined?",
    ])
    expect(await problems(GOOD.replace('    expect:', '    expects:'))).toContainEqual(
      "models/marts/ranked.yml:13  unit_tests.0: unknown key 'expects' | Did you mean expect?",
    )
    expect(
      await problems(
        GOOD.replace(
          '    given:',
          '    overrides: { macros: { is_incremental: true }, vars: { nope: 1 } }\n    given:',
        ),
      ),
    ).toEqual([
      "models/marts/ranked.yml:6  unit test 'takes_levels': ranked is materialized as table, so that is_incremental() is never true | Take the override away, or make the model incremental.",
    ])
    expect(
      await problems(unit("  - { name: a, model: ranked, given: [{ input: ref('people') }], expect: { rows: [] } }\n")),
    ).toEqual([
      "models/marts/ranked.yml:3  unit test 'a': ref('people') has no rows | Write rows: [] where it has none.",
    ])
    expect(await problems(unit('  - { name: a, model: ranked, expect: { format: csv, fixture: nothing } }\n'))).toEqual(
      [
        "models/marts/ranked.yml:3  unit test 'a': there is no file test/fixtures/nothing.csv | Write it, or mend the name.",
      ],
    )
    expect(await problems(unit('  - { name: a, model: ranked, expect: { format: csv, rows: "a,b\\n1" } }\n'))).toEqual([
      "models/marts/ranked.yml:3  unit test 'a': row 1 has 1 fields, the header has 2 | Mend the CSV of marts.ranked.",
    ])
    expect(await problems(unit('  - { name: a, model: ranked, expect: { rows: "a,b" } }\n'))).toEqual([
      "models/marts/ranked.yml:3  unit test 'a': rows are text | Say which with format: csv or format: sql.",
    ])
    const twice = '  - { name: a, model: ranked, expect: { rows: [] } }\n'
    expect(await problems(unit(twice + twice))).toEqual([
      "models/marts/ranked.yml:4  unit test 'a': 'a' is described twice for ranked | The other is in models/marts/ranked.yml.",
    ])
  })

  it('columns and values, once types are known', async () => {
    expect(await errorOf(GOOD.replace('title: dono', 'titel: dono'))).toBe(
      "models/marts/ranked.yml:11  unit test 'takes_levels': ref('people') has no column 'titel'\n  Did you mean title?",
    )
    expect(await errorOf(GOOD.replace('since: 2026-01-01', 'since: yesterday'))).toMatch(
      /^models\/marts\/ranked\.yml:9 {2}unit test 'takes_levels': ref\('people'\), row 1: since is DATE: Conversion Error.*yesterday/,
    )
    expect(await errorOf(GOOD.replaceAll('level: none', 'lebel: none').replaceAll('level: top', 'lebel: top'))).toBe(
      "models/marts/ranked.yml:15  unit test 'takes_levels': ranked has no column 'lebel'\n  Did you mean level?",
    )
    expect(await errorOf(GOOD.replace(', pay: null', ''))).toBe(
      "models/marts/ranked.yml:15  unit test 'takes_levels': expect, row 1 does not say pay\n  Write pay: null if that is what is expected.",
    )
    expect(await errorOf(GOOD.replace('pay: 10.5 }', 'pay: much }'))).toMatch(
      /^models\/marts\/ranked\.yml:16 {2}.*expect, row 2: pay is DECIMAL\(9,2\)/,
    )
    const sql = unit(
      `  - name: a\n    model: ranked\n    expect:\n      format: sql\n      rows: select 1 as id frm x\n`,
    )
    expect(await errorOf(sql)).toMatch(/^models\/marts\/ranked\.yml:7 {2}unit test 'a': Parser Error/)
  })
})
