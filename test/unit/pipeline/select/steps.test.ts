import { describe, expect, it } from 'vitest'
import { selectNodes } from '../../../../pipeline/select.ts'
import { load, projectFolder } from '../../../helpers/project.ts'

const files = {
  'seeds/colours.csv': 'id\n1\n',
  'models/staging/stg_a.sql': `{{ config(tags=['daily']) }}select * from {{ ref('colours') }}`,
  'models/staging/stg_b.sql': 'select 1 as id',
  'models/intermediate/int_ab.sql': `select * from {{ ref('stg_a') }} join {{ ref('stg_b') }} using (id)`,
  'models/marts/mart.sql': `select * from {{ ref('int_ab') }} join {{ ref('scores') }} using (id)`,
  'models/marts/mart.yml':
    'version: 2\nmodels:\n  - name: mart\n    columns:\n      - name: id\n        data_tests: [unique]\n',
}
const scores = { schema: 'demo', name: 'scores', description: '', columns: { id: 'INTEGER' }, key: ['id'] }
const score = {
  name: 'score',
  kind: 'step' as const,
  stage: 'scoring',
  file: 'scoring/run.ts',
  description: '',
  reads: ['int_ab'],
  builds: [scores],
  fingerprint: 'x',
  run: async () => ({ rows: 0, text: '' }),
}
const project = load(projectFolder(files), { steps: [score] })

async function selected(select: string[], exclude: string[] = []): Promise<string[]> {
  const { graph } = await project
  return [...selectNodes(graph, { select, exclude })].map((id) => graph.nodes.get(id)!.name).sort()
}

describe('--select', () => {
  it.each([
    [['stg_a'], ['stg_a']],
    [['stg_*'], ['stg_a', 'stg_b']],
    [['stg_?'], ['stg_a', 'stg_b']],
    [['stg_[a]'], ['stg_a']],
    [['mart'], ['mart', 'unique_mart_id']],
    [['+int_ab'], ['colours', 'int_ab', 'stg_a', 'stg_b']],
    [['1+int_ab'], ['int_ab', 'stg_a', 'stg_b']],
    [['int_ab+'], ['int_ab', 'mart', 'score', 'unique_mart_id']],
    [['stg_a+1'], ['int_ab', 'stg_a']],
    [['@stg_b'], ['colours', 'int_ab', 'mart', 'score', 'stg_a', 'stg_b', 'unique_mart_id']],
    [['tag:daily'], ['stg_a']],
    [['tag:daily+1'], ['int_ab', 'stg_a']],
    [['path:models/staging'], ['stg_a', 'stg_b']],
    [['models/staging/'], ['stg_a', 'stg_b']],
    [['models/staging/stg_b.sql'], ['stg_b']],
    [['stage:scoring'], ['score']],
    [['+stage:scoring'], ['colours', 'int_ab', 'score', 'stg_a', 'stg_b']],
    [['demo.staging.stg_a'], ['stg_a']],
    [['staging'], ['stg_a', 'stg_b']],
    [['file:stg_a'], ['stg_a']],
    [['resource_type:seed'], ['colours']],
    [['stg_a stg_b'], ['stg_a', 'stg_b']],
    [
      ['stg_a', 'int_ab'],
      ['int_ab', 'stg_a'],
    ],
    [['staging,tag:daily'], ['stg_a']],
    [['+mart,stg_*'], ['stg_a', 'stg_b']],
    [['tag:none'], []],
  ])('%j', async (select, expected) => {
    expect(await selected(select)).toEqual(expected)
  })

  it('--exclude takes away, with the tests', async () => {
    expect(await selected(['int_ab+'], ['mart'])).toEqual(['int_ab', 'score'])
    expect(await selected([], ['source:ledger', 'stg_*', 'mart', 'colours'])).toEqual(['int_ab', 'score'])
  })

  it('tells of a name that selects nothing, with the nearest one', async () => {
    await expect(selected(['stg_aa'])).rejects.toThrow("'stg_aa' selects nothing\n  Did you mean stg_a?")
    await expect(selected(['tags:daily'])).rejects.toThrow("there is no method 'tags'\n  Did you mean tag?")
  })
})
