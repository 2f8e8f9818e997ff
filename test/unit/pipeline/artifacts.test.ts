import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { manifestOf } from '../../../pipeline/artifacts/manifest.ts'
import { runResultsOf } from '../../../pipeline/artifacts/run-results.ts'
import { codeRoot } from '../../../pipeline/code-root.ts'
import type { NodeResult } from '../../../pipeline/results.ts'
import { PROGRAM_VERSION } from '../../../pipeline/version.ts'
import { load, projectFolder } from '../../helpers/project.ts'

const invocation = { invocation_id: '00000000-0000-4000-8000-000000000000', generated_at: '2026-01-31T10:00:00.000Z' }

function errorsAgainst(schema: string, artifact: unknown): unknown {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats(ajv)
  const validate = ajv.compile(
    JSON.parse(readFileSync(join(codeRoot(), 'test/fixtures/dbt', schema), 'utf8')) as object,
  )
  validate(JSON.parse(JSON.stringify(artifact)))
  return (validate.errors ?? []).slice(0, 5)
}

const things = {
  source: 'demo',
  table: 'things',
  description: 'Things.',
  columns: { id: 'INTEGER' },
  key: ['id'],
  write: 'merge' as const,
}
const scores = {
  schema: 'demo',
  name: 'scores',
  description: 'Scores.',
  columns: { id: 'INTEGER', name: 'VARCHAR' },
  key: ['id'],
  docs: { id: 'The thing.' },
  pii: ['name'],
}
const project = load(
  projectFolder({
    'seeds/colours.csv': 'id\n1\n',
    'models/marts/added.sql': `{{ config(materialized='incremental', unique_key=['id'], incremental_strategy='merge', incremental_predicates=['true']) }}select * from {{ ref('colours') }}`,
    'snapshots/history.yml':
      'snapshots: [{ name: history, relation: "ref(\'colours\')", config: { strategy: check, check_cols: all, unique_key: id, hard_deletes: new_record, dbt_valid_to_current: "date \'9999-12-31\'", snapshot_meta_column_names: { dbt_valid_to: until } } }]',
    'seeds/colours.yml': 'version: 2\nseeds:\n  - name: colours\n    config: { column_types: { id: integer } }\n',
    'models/staging/stg.sql': `select * from {{ source('demo', 'things') }}`,
    'models/marts/mart.sql': `select * from {{ ref('stg') }} join {{ ref('scores') }} using (id)`,
    'models/marts/mart.yml':
      'version: 2\nmodels:\n  - name: mart\n    description: A mart.\n    columns:\n      - name: id\n        description: Its id.\n        data_tests: [unique, dbt_utils.at_least_one, { not_null: { config: { store_failures: true, error_if: ">10", warn_if: "!= 0", fail_calc: count(*), where: id > 0, limit: 5 } } }, { relationships: { arguments: { to: "ref(\'scores\')", field: id }, config: { severity: warn } } }]\nunit_tests:\n  - name: joins\n    model: mart\n    given: [{ input: ref(\'stg\'), rows: [{ id: 1 }] }, { input: ref(\'scores\'), format: csv, rows: "id,name" }]\n    overrides: { as_of: 2026-01-31, vars: {} }\n    expect: { rows: [] }\n    config: { tags: quick, meta: { why: x } }\n',
    'analyses/question.sql': `select count(*) from {{ ref('mart') }}`,
    'test/data/none.sql': `select * from {{ ref('mart') }} where false`,
  }),
  {
    steps: [
      {
        name: 'score',
        kind: 'step',
        stage: 'scoring',
        file: 'scoring/run.ts',
        description: '',
        reads: ['stg'],
        builds: [scores],
        fingerprint: 'x',
        run: async () => ({ rows: 0, text: '' }),
      },
      {
        name: 'fetch',
        kind: 'resource',
        stage: 'discovery',
        file: 'ingest/run.ts',
        description: '',
        reads: [],
        records: [things],
        fingerprint: 'x',
        run: async () => ({ rows: 0, text: '' }),
      },
    ],
  },
)

describe('artifacts', () => {
  it('manifest.json is valid against dbt v12', async () => {
    const { graph } = await project
    expect(errorsAgainst('manifest-v12.json', manifestOf(graph, 'demo', invocation))).toEqual([])
  })

  it('says how an incremental model and a snapshot are configured, in dbt’s words', async () => {
    const { graph } = await project
    const { nodes } = manifestOf(graph, 'demo', invocation) as { nodes: Record<string, Record<string, unknown>> }
    expect(nodes['model.demo.added']!.config).toMatchObject({
      materialized: 'incremental',
      incremental_strategy: 'merge',
      unique_key: 'id',
      on_schema_change: 'ignore',
    })
    expect(nodes['snapshot.demo.history']).toMatchObject({
      resource_type: 'snapshot',
      relation_name: 'snapshots.history',
      depends_on: { nodes: ['seed.demo.colours'] },
      config: { materialized: 'snapshot', strategy: 'check', check_cols: 'all', unique_key: 'id' },
    })
  })

  it('a table that a step builds is a model in TypeScript, with the lineage whole', async () => {
    const { graph } = await project
    const manifest = manifestOf(graph, 'demo', invocation) as {
      nodes: Record<string, Record<string, unknown>>
      parent_map: Record<string, string[]>
      child_map: Record<string, string[]>
    }
    const node = manifest.nodes['model.demo.scores']!
    expect(node).toMatchObject({
      language: 'typescript',
      depends_on: { nodes: ['model.demo.stg'] },
      relation_name: 'demo.scores',
      original_file_path: 'scoring/run.ts',
    })
    expect(node.meta).toEqual({ pipeline: { kind: 'step', step: 'score', stage: 'scoring', reads: ['stg'] } })
    expect(manifest.parent_map['model.demo.mart']).toEqual(['model.demo.scores', 'model.demo.stg'])
    expect(manifest.child_map['source.demo.demo.things']).toEqual(['model.demo.stg'])
    expect(Object.keys(manifest.nodes).some((id) => id.startsWith('step.'))).toBe(false)
  })

  it('run_results.json is valid against dbt v6, whatever became of the nodes', async () => {
    const { graph } = await project
    const statuses = ['success', 'reused', 'error', 'skipped'] as const
    const results: NodeResult[] = [...graph.nodes.values()].flatMap((node, index): NodeResult[] => {
      if (node.kind === 'source' || node.kind === 'analysis') return []
      const tests = node.kind === 'test' || node.kind === 'unit_test'
      const status = tests ? (['pass', 'warn', 'fail'] as const)[index % 3]! : statuses[index % 4]!
      return [
        {
          node,
          status,
          message: index % 2 === 0 ? '' : 'why',
          rows: 3,
          seconds: 0.5,
          started_at: invocation.generated_at,
          ended_at: invocation.generated_at,
          ...(node.kind === 'test' ? { failures: index % 3 } : {}),
        },
      ]
    })
    const artifact = runResultsOf(results, { invocation, elapsed: 1.5, args: { which: 'run' }, project: 'demo' })
    expect(errorsAgainst('run-results-v6.json', artifact)).toEqual([])
  })

  it('the version in artifacts is the one of package.json', () => {
    const { version } = JSON.parse(readFileSync(join(codeRoot(), 'package.json'), 'utf8')) as { version: string }
    expect(PROGRAM_VERSION).toBe(version)
  })
})
