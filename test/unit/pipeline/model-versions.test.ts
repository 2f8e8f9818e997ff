import { describe, expect, it } from 'vitest'
import { manifestOf } from '../../../pipeline/artifacts/manifest.ts'
import type { ModelNode, TestNode, UnitTestNode } from '../../../pipeline/nodes.ts'
import { load, problemsOf, projectFolder } from '../../helpers/project.ts'

const YML = `version: 2
models:
  - name: dim
    latest_version: 2
    description: Of all versions.
    config: { tags: [shared] }
    columns:
      - name: id
        data_tests: [unique]
      - name: old_name
    versions:
      - v: 1
        defined_in: dim_first
        config: { tags: [first] }
        deprecation_date: 2030-01-01
      - v: 2
        columns:
          - include: all
            exclude: [old_name]
          - name: new_name
            data_tests: [not_null]
      - v: 3
        description: Of the third.
unit_tests:
  - name: passes_through
    model: dim
    versions: { exclude: [3] }
    given: []
    expect: { rows: [] }
`

const FILES = {
  'models/marts/dim.yml': YML,
  'models/marts/dim_first.sql': 'select 1 as id, 2 as old_name',
  'models/marts/dim.sql': 'select 1 as id, 2 as new_name',
  'models/marts/dim_v3.sql': 'select 1 as id, 2 as old_name',
  'models/marts/reader.sql':
    "select * from {{ ref('dim') }} union all select * from {{ ref('dim', v=1) }} union all select * from {{ ref('dim', version=3) }}",
}

describe('versions of a model', () => {
  it('are models of one name, each with a table of its own', async () => {
    const { graph } = await load(projectFolder(FILES))
    const versions = [1, 2, 3].map((v) => graph.nodes.get(`model.demo.dim.v${v}`) as ModelNode)
    expect(
      versions.map(({ name, relation, fqn, tags, description }) => [
        name,
        relation.name,
        fqn.at(-1),
        tags,
        description,
      ]),
    ).toEqual([
      ['dim', 'dim_v1', 'v1', ['first'], 'Of all versions.'],
      ['dim', 'dim_v2', 'v2', ['shared'], 'Of all versions.'],
      ['dim', 'dim_v3', 'v3', ['shared'], 'Of the third.'],
    ])
    expect(versions.map(({ columns }) => columns.map(({ name }) => name))).toEqual([
      ['id', 'old_name'],
      ['id', 'new_name'],
      ['id', 'old_name'],
    ])
  })

  it('are read by name and version, the latest by the name alone', async () => {
    const { graph } = await load(projectFolder(FILES))
    const reader = graph.nodes.get('model.demo.reader') as ModelNode
    expect(reader.deps).toEqual(['model.demo.dim.v2', 'model.demo.dim.v1', 'model.demo.dim.v3'])
    expect(reader.sql).toContain('marts.dim_v2 union all select * from marts.dim_v1')
  })

  it('have the tests of the model, and those of their own columns', async () => {
    const { graph } = await load(projectFolder(FILES))
    const of = (kind: string) =>
      [...graph.nodes.values()].filter((node): node is TestNode | UnitTestNode => node.kind === kind)
    expect(
      of('test')
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['not_null_dim_v2_new_name', 'unique_dim_v1_id', 'unique_dim_v2_id', 'unique_dim_v3_id'])
    const unit_tests = of('unit_test').map(({ id }) => id)
    expect(unit_tests.sort()).toEqual(['unit_test.demo.dim.passes_through_v1', 'unit_test.demo.dim.passes_through_v2'])
  })

  it('are in the manifest as dbt has them', async () => {
    const { graph } = await load(projectFolder(FILES))
    const manifest = manifestOf(graph, 'demo', {
      invocation_id: 'x',
      generated_at: '2026-01-01T00:00:00Z',
      args: {},
    } as never)
    const nodes = manifest.nodes as Record<string, Record<string, unknown>>
    expect(nodes['model.demo.dim.v1']).toMatchObject({
      name: 'dim',
      alias: 'dim_v1',
      version: 1,
      latest_version: 2,
      deprecation_date: '2030-01-01',
    })
    expect(nodes['model.demo.reader']!.refs).toEqual([
      { name: 'dim', package: null, version: null },
      { name: 'dim', package: null, version: '1' },
      { name: 'dim', package: null, version: '3' },
    ])
  })

  it('are told where something is wrong with them, with the line of the model or of the version', async () => {
    const broken = (changes: [string, string][], reader = FILES['models/marts/reader.sql']) =>
      problemsOf({
        ...FILES,
        'models/marts/dim.yml': changes.reduce((text, [from, to]) => text.replace(from, to), YML),
        'models/marts/reader.sql': reader,
      })
    const shown = async (found: ReturnType<typeof broken>) =>
      (await found).map((problem) => problem.split(' | ')[0]!.replace('  ', ' '))
    expect(await shown(broken([['latest_version: 2', 'latest_version: 9']]))).toContain(
      "models/marts/dim.yml:4 'dim' has no version 9",
    )
    const changes: [string, string][] = [
      ['exclude: [old_name]', 'exclude: [old_nam]'],
      ['v: 3', 'v: 4'],
      ['data_tests: [unique]', 'data_tests: [uniqe]'],
    ]
    expect(await shown(broken(changes, "select * from {{ ref('dim', v=7) }}"))).toEqual(
      expect.arrayContaining([
        "models/marts/dim.yml:18 'old_nam' is no column of the model",
        "models/marts/dim.yml:22 version 4 of 'dim' needs dim_v4.sql, which does not exist",
        "models/marts/dim.yml:9 there is no test 'uniqe'",
        "models/marts/dim.yml:27 unit test 'passes_through': dim has no version 3",
        "models/marts/reader.sql:1 ref('dim', v=7) names no version of a model",
      ]),
    )
  })
})
