import { describe, expect, it } from 'vitest'
import type { Step } from '../../../pipeline/step.ts'
import { CONFIG, load, problemsOf, projectFolder } from '../../helpers/project.ts'

function step(overrides: Partial<Step>): Step {
  return {
    name: 'a_step',
    kind: 'step',
    stage: 'demo',
    file: 'demo/run.ts',
    description: '',
    reads: [],
    fingerprint: 'x',
    run: async () => ({ rows: 0, text: '' }),
    ...overrides,
  }
}

const twin = (name: string, extra = '') => `version: 2\nmodels:\n  - name: ${name}\n${extra}`

describe('a project that is wrong', () => {
  it('lists every problem at once, each with file, line and mend', async () => {
    const problems = await problemsOf({
      'pipeline.yaml': `${CONFIG}modles: {}\n`,
      'models/marts/a.sql': `select *\nfrom {{ ref('bee') }}`,
      'models/marts/bees.sql': 'select 1 as x',
    })
    expect(problems).toEqual(["pipeline.yaml:8  unknown key 'modles' | Did you mean models?"])
    expect(
      await problemsOf({
        'models/marts/a.sql': `select *\nfrom {{ ref('bee') }}, {{ source('no', 'where') }}`,
        'models/marts/bees.sql': 'select 1 as x',
        'models/marts/c.yml': twin('see'),
      }),
    ).toEqual([
      "models/marts/c.yml:3  describes the model 'see', which does not exist | Did you mean bees?",
      "models/marts/a.sql:2  ref('bee') names no model, seed or step table | Did you mean bees?",
      expect.stringContaining("models/marts/a.sql:2  source('no', 'where') is declared nowhere"),
    ])
  })

  it('names the members of a cycle', async () => {
    const problems = await problemsOf({
      'models/a.sql': `select * from {{ ref('c') }}`,
      'models/b.sql': `select * from {{ ref('a') }}`,
      'models/c.sql': `select * from {{ ref('b') }}`,
      'models/d.sql': `select * from {{ ref('a') }}`,
    })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/models\/\w\.sql:1 {2}is part of a cycle: (a > b > c > a|b > c > a > b|c > a > b > c)/)
  })

  it('finds two models of one name, and a model named as a step table', async () => {
    const files = { 'models/x/a.sql': 'select 1 as i', 'models/y/a.sql': 'select 2 as i' }
    expect(await problemsOf(files)).toEqual([
      expect.stringContaining("models/y/a.sql  'a' is also the name of models/x/a.sql"),
    ])
    const builds = [{ schema: 'demo', name: 'b', description: '', columns: { i: 'INTEGER' }, key: [] }]
    expect(await problemsOf({ 'models/b.sql': 'select 1 as i' }, { steps: [step({ builds })] })).toEqual([
      "demo/run.ts  builds 'b', which is also the name of model.demo.b | Rename one of them: ref() finds by name.",
    ])
  })

  it('says which tests it does not know, with the line', async () => {
    const extra = `    columns:\n      - name: i\n        data_tests:\n          - uniqe\n          - accepted_values: { arguments: { value: [1] } }\n          - range: { arguments: { min: zero } }`
    const problems = await problemsOf({ 'models/a.sql': 'select 1 as i', 'models/a.yml': twin('a', extra) })
    expect(problems).toEqual([
      "models/a.yml:7  there is no test 'uniqe' | Did you mean unique?",
      "models/a.yml:8  the test 'accepted_values': unknown key 'value' | Did you mean values?",
      `models/a.yml:9  the test 'range': min: must be a number (it is "zero")`,
    ])
  })

  it('says what YAML is broken', async () => {
    const problems = await problemsOf({
      'models/a.sql': 'select 1 as i',
      'models/a.yml': 'version: 2\nmodels:\n  - name: [a\n',
    })
    expect(problems[0]).toMatch(/^models\/a\.yml:4 {2}is not valid YAML/)
    expect(await problemsOf({ 'models/a.yml': 'version: 2\nversion: 2\n' })).toEqual([
      expect.stringMatching(/models\/a\.yml:2 {2}is not valid YAML: the key 'version' is there twice/),
    ])
  })

  it('names the variable that is not set at the line that wants it', async () => {
    const config = CONFIG.replace('data/exports', '$' + '{EXPORTS}')
    expect(await problemsOf({ 'pipeline.yaml': config })).toEqual([
      expect.stringMatching(/^pipeline\.yaml:4 {2}is not valid YAML.*Quote/),
    ])
    const quoted = CONFIG.replace('data/exports', '"$' + '{EXPORTS}"')
    expect(await problemsOf({ 'pipeline.yaml': quoted })).toEqual([
      expect.stringMatching(/^pipeline\.yaml:4 {2}\$\{EXPORTS\} is not set, and targets\.dev\.exports needs it/),
    ])
    const other = `${CONFIG.replace('targets:\n', 'targets:\n  prod: { warehouse: "$' + '{NOT_SET}.duckdb", ledger: x, exports: y }\n')}`
    expect(await problemsOf({ 'pipeline.yaml': other })).toEqual([])
  })

  it('reads steps whose inputs do not exist as problems', async () => {
    expect(await problemsOf({ 'models/a.sql': 'select 1 as i' }, { steps: [step({ reads: ['b'] })] })).toEqual([
      "demo/run.ts  step 'a_step' reads 'b', which does not exist | Did you mean a?",
    ])
  })
})

describe('--set', () => {
  it('overrides any key but live', async () => {
    const root = projectFolder({})
    const { config } = await load(root, { set: ['targets.dev.threads=1', 'vars.limit=[1, 2]'] })
    expect(config.target.threads).toBe(1)
    expect(config.data.vars).toEqual({ limit: [1, 2] })
    await expect(load(root, { set: ['targets.dev.live=[send]'] })).rejects.toThrow('would make a target live')
    await expect(
      load(root, { set: ['targets.dev={warehouse: a.duckdb, ledger: b, exports: c, live: [send]}'] }),
    ).rejects.toThrow('would make a target live')
    await expect(load(root, { set: ['targets.dev.thread=1'] })).rejects.toThrow("unknown key 'thread'")
    await expect(load(root, { target: 'prd' })).rejects.toThrow("target 'prd' is not defined")
  })
})

describe('the graph', () => {
  it('orders every kind of node by what it reads and writes', async () => {
    const root = projectFolder({
      'seeds/colours.csv': 'id\n1\n',
      'models/staging/stg.sql': `select * from {{ source('demo', 'things') }} join {{ ref('colours') }} using (id)`,
      'models/marts/mart.sql': `select * from {{ ref('stg') }} join {{ ref('scores') }} using (id)`,
      'models/marts/mart.yml': twin(
        'mart',
        '    columns:\n      - name: id\n        data_tests: [unique, { relationships: { arguments: { to: "ref(\'colours\')", field: id } } }]',
      ),
    })
    const things = {
      source: 'demo',
      table: 'things',
      description: '',
      columns: { id: 'INTEGER' },
      key: ['id'],
      write: 'merge' as const,
    }
    const memory = { ...things, table: 'memory', visible: 'next_run' as const }
    const scores = { schema: 'demo', name: 'scores', description: '', columns: { id: 'INTEGER' }, key: ['id'] }
    const { graph } = await load(root, {
      steps: [
        step({ name: 'score', reads: ['stg', 'demo.memory'], builds: [scores], records: [memory] }),
        step({ name: 'fetch', records: [things] }),
      ],
    })
    const order = graph.order
      .filter((id) => !id.includes('.ledger.'))
      .map((id) =>
        id
          .split('.')
          .slice(2)
          .join('.')
          .replace(/\.[0-9a-f]{10}$/, ''),
      )
    expect(order.indexOf('fetch')).toBeLessThan(order.indexOf('demo.things'))
    expect(order.indexOf('demo.things')).toBeLessThan(order.indexOf('stg'))
    expect(order.indexOf('colours')).toBeLessThan(order.indexOf('stg'))
    expect(order.indexOf('stg')).toBeLessThan(order.indexOf('score'))
    expect(order.indexOf('score')).toBeLessThan(order.indexOf('mart'))
    expect(order.indexOf('mart')).toBeLessThan(order.indexOf('unique_mart_id'))
    expect(graph.nodes.get('source.demo.demo.memory')).toMatchObject({ deps: [], feedback: ['step.demo.score'] })
  })
})
