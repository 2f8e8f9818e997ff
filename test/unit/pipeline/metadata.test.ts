import { describe, expect, it } from 'vitest'
import type { ExposureNode, ModelNode, SourceNode } from '../../../pipeline/nodes.ts'
import type { Step } from '../../../pipeline/step.ts'
import { load, problemsOf, projectFolder } from '../../helpers/project.ts'

const fetch: Step = {
  name: 'fetch',
  kind: 'resource',
  stage: 'discovery',
  file: 'ingest/run.ts',
  description: '',
  reads: [],
  records: [
    {
      source: 'mock',
      table: 'companies',
      description: 'Companies.',
      columns: { id: 'VARCHAR' },
      key: ['id'],
      write: 'merge',
    },
  ],
  fingerprint: 'x',
  run: async () => ({ rows: 0, text: '' }),
}
const steps = [fetch]
const model = (name: string, sql: string, yaml?: string) => ({
  [`models/marts/${name}.sql`]: sql,
  ...(yaml === undefined ? {} : { [`models/marts/${name}.yml`]: yaml }),
})

describe('sources in property files', () => {
  const described = `version: 2
sources:
  - name: mock
    description: The mock.
    tags: [daily]
    freshness: { warn_after: { count: 12, period: hour }, error_after: { count: 1, period: day } }
    tables:
      - name: companies
        description: Companies, as the mock has them.
        columns: [{ name: id, description: Its id., data_tests: [not_null] }]
  - name: outside
    schema: lake
    loaded_at_field: seen_at
    freshness: { warn_after: { count: 3, period: day } }
    tables:
      - name: visits
        freshness: { error_after: { count: 9, period: day } }
        loaded_at_field: loaded_at
      - name: codes
        freshness: null
`
  it('describe what TypeScript declares, and keep what it is', async () => {
    const { graph } = await load(projectFolder({ 'models/sources.yml': described }), { steps })
    const companies = graph.nodes.get('source.demo.mock.companies') as SourceNode
    expect(companies).toMatchObject({
      relation: { schema: 'raw', name: 'mock__companies' },
      deps: ['step.demo.fetch'],
      description: 'Companies, as the mock has them.',
      source_description: 'The mock.',
      tags: ['daily'],
      file: 'ingest/run.ts',
      patch: 'models/sources.yml',
      freshness: {
        warn_after: { count: 12, period: 'hour' },
        error_after: { count: 1, period: 'day' },
        loaded_at_field: '_fetched_at',
      },
    })
    const tests = [...graph.nodes.values()].filter(({ kind }) => kind === 'test')
    expect(tests.map(({ name, deps }) => [name, deps])).toEqual([
      ['not_null_source_mock_companies_id', ['source.demo.mock.companies']],
    ])
  })

  it('say the freshness of a source once, and of a table in its place', async () => {
    const { graph } = await load(projectFolder({ 'models/sources.yml': described }), { steps })
    const visits = graph.nodes.get('source.demo.outside.visits') as SourceNode
    expect(visits.relation).toEqual({ schema: 'lake', name: 'visits' })
    expect(visits.freshness).toEqual({
      warn_after: null,
      error_after: { count: 9, period: 'day' },
      filter: null,
      loaded_at_field: 'loaded_at',
    })
    expect((graph.nodes.get('source.demo.outside.codes') as SourceNode).freshness).toBeUndefined()
  })

  it('are refused where they name a table that a ledger source lacks, say nothing of loading, or come twice', async () => {
    const yaml = `version: 2
sources:
  - name: mock
    tables: [{ name: companys }]
  - name: outside
    freshness: { warn_after: { count: 3, period: day } }
    tables:
      - name: visits
      - name: visits
`
    expect(await problemsOf({ 'models/sources.yml': yaml }, { steps })).toEqual([
      "models/sources.yml:4  the ledger's source 'mock' has no table 'companys' | Did you mean companies?",
      "models/sources.yml:8  source 'outside.visits' has freshness, and nothing says when a row was loaded | Add loaded_at_field: <a timestamp column>, or loaded_at_query.",
      "models/sources.yml:9  source 'outside.visits' is described twice | The other is in models/sources.yml:8.",
      "models/sources.yml:9  source 'outside.visits' has freshness, and nothing says when a row was loaded | Add loaded_at_field: <a timestamp column>, or loaded_at_query.",
    ])
  })

  it('that are not enabled do not exist', async () => {
    const yaml =
      'version: 2\nsources: [{ name: outside, config: { enabled: false }, tables: [{ name: visits, data_tests: [] }] }]\n'
    const { graph } = await load(projectFolder({ 'models/sources.yml': yaml }))
    expect(graph.nodes.has('source.demo.outside.visits')).toBe(false)
  })
})

describe('exposures', () => {
  const exposure = (depends: string) => `version: 2
exposures:
  - name: weekly
    label: Weekly numbers
    type: dashboard
    maturity: high
    url: https://example.com/weekly
    owner: { name: RevOps, email: revops@example.com }
    tags: [board]
    depends_on:
      - ${depends}
`
  it('are nodes that nothing runs for, after what they show', async () => {
    const files = { ...model('leads', 'select 1 as id'), 'models/exposures.yml': exposure("ref('leads')") }
    const { graph } = await load(projectFolder(files))
    const node = graph.nodes.get('exposure.demo.weekly') as ExposureNode
    expect(node).toMatchObject({
      type: 'dashboard',
      label: 'Weekly numbers',
      owner: { name: 'RevOps', email: 'revops@example.com' },
      tags: ['board'],
      deps: ['model.demo.leads'],
      refs: ['leads'],
    })
    expect(graph.children('model.demo.leads')).toEqual(['exposure.demo.weekly'])
  })

  it('say what they show, and that it exists', async () => {
    const files = model('leads', 'select 1 as id')
    expect(await problemsOf({ ...files, 'models/exposures.yml': exposure("ref('lead')") })).toEqual([
      "models/exposures.yml:11  ref('lead') names no model, seed or step table | Did you mean leads?",
    ])
    expect(await problemsOf({ ...files, 'models/exposures.yml': exposure('leads') })).toEqual([
      "models/exposures.yml:11  exposure 'weekly' depends on 'leads', which is neither ref(…) nor source(…) | Write ref('leads').",
    ])
  })

  it('have an owner, a type and one description', async () => {
    const yaml = `version: 2
exposures:
  - { name: a, type: poster, owner: { name: x } }
  - { name: b, type: ml, owner: {} }
`
    const problems = await problemsOf({ 'models/exposures.yml': yaml })
    expect(problems.map((text) => text.split('  ')[0])).toEqual(['models/exposures.yml:3', 'models/exposures.yml:4'])
    expect(problems[1]).toContain('needs a name or an email')
    const twice = `version: 2\nexposures:\n  - &a { name: a, type: ml, owner: { name: x } }\n  - *a\n`
    expect(await problemsOf({ 'models/exposures.yml': twice })).toEqual([
      "models/exposures.yml:4  'a' is described twice | The other is in models/exposures.yml:3.",
    ])
  })
})

describe('groups and access', () => {
  const groups = 'version: 2\ngroups: [{ name: sales, owner: { email: sales@example.com }, description: Sells. }]\n'
  const secret = 'version: 2\nmodels:\n  - name: secret\n    access: private\n    group: sales\n'

  it('a private model is read by its own group, and tested by anyone', async () => {
    const { graph } = await load(
      projectFolder({
        'models/groups.yml': groups,
        ...model('secret', 'select 1 as id', `${secret}    columns: [{ name: id, data_tests: [unique] }]\n`),
        ...model('friend', "{{ config(group='sales') }} select * from {{ ref('secret') }}"),
        'test/data/none.sql': "select * from {{ ref('secret') }} where false",
      }),
    )
    expect(graph.groups).toMatchObject([{ id: 'group.demo.sales', name: 'sales', description: 'Sells.' }])
    const friend = graph.nodes.get('model.demo.friend') as ModelNode
    expect([friend.access, friend.group]).toEqual(['protected', 'sales'])
    expect((graph.nodes.get('model.demo.secret') as ModelNode).access).toBe('private')
  })

  it('a private model is refused to anyone else, at the line that reads it', async () => {
    const step = { ...fetch, name: 'score', file: 'scoring/run.ts', records: [], reads: ['secret'] }
    const problems = await problemsOf(
      {
        'models/groups.yml': groups,
        ...model('secret', 'select 1 as id', secret),
        ...model('stranger', "select *\nfrom {{ ref('secret') }}"),
      },
      { steps: [step] },
    )
    const mend = 'Make secret protected, or put both into one group.'
    expect(problems.sort()).toEqual([
      `models/marts/stranger.sql:2  stranger reads secret, which is private to the group 'sales' | ${mend}`,
      `scoring/run.ts  score reads secret, which is private to the group 'sales' | ${mend}`,
    ])
  })

  it('a group that nobody declared is refused where it is named', async () => {
    const yaml = 'version: 2\nmodels:\n  - name: a\n    group: salse\n'
    expect(await problemsOf({ 'models/groups.yml': groups, ...model('a', 'select 1 as id', yaml) })).toEqual([
      "models/marts/a.yml:4  a is in the group 'salse', which no property file declares | Did you mean sales?",
    ])
  })
})
