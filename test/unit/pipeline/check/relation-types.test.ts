import { describe, expect, it } from 'vitest'
import { ROOMS } from '../../../../cli/stages.ts'
import { inspectProject } from '../../../../pipeline/check/project-check.ts'
import { freshnessOf, relationTypes } from '../../../../pipeline/check/relation-types.ts'
import { propertyName, typescriptOf } from '../../../../pipeline/check/typescript-type.ts'
import { loadProject } from '../../../../pipeline/load.ts'
import { openDatabase } from '../../../../pipeline/warehouse/duckdb.ts'
import { load, projectFolder } from '../../../helpers/project.ts'
import { ROOT } from '../../../helpers/source-tree.ts'

describe('the TypeScript type of a DuckDB type', () => {
  it.each([
    ['BOOLEAN', 'boolean'],
    ['INTEGER', 'number'],
    ['DOUBLE', 'number'],
    ['BIGINT', 'number | string'],
    ['HUGEINT', 'number | string'],
    ['DECIMAL(15,2)', 'number'],
    ['DECIMAL(18,6)', 'string'],
    ['VARCHAR', 'string'],
    ['TIMESTAMP WITH TIME ZONE', 'string'],
    ['JSON', 'string'],
    ['"NULL"', 'null'],
    ["ENUM('a', 'it''s (so)')", 'string'],
    ['VARCHAR[]', '(string | null)[]'],
    ['INTEGER[3][]', '((number | null)[] | null)[]'],
    ['MAP(VARCHAR, INTEGER[])', 'Record<string, (number | null)[] | null>'],
    ['STRUCT(a INTEGER, "b c" DECIMAL(18,2)[])[]', "({ a: number | null; 'b c': (string | null)[] | null } | null)[]"],
    [
      'STRUCT("he said ""no""" ENUM(\'x\', \'y\'), z BOOLEAN)',
      '{ \'he said "no"\': string | null; z: boolean | null }',
    ],
  ])('%s is %s', (type, expected) => {
    expect(typescriptOf(type)).toBe(expected)
  })

  it('is what the database delivers', async () => {
    const database = await openDatabase()
    const connection = await database.connect()
    const values: Record<string, string> = {
      BOOLEAN: 'true',
      TINYINT: '1',
      BIGINT: '9007199254740993',
      'DECIMAL(15,2)': '1.5',
      'DECIMAL(18,2)': '1.5',
      DATE: `'2026-01-31'`,
      TIMESTAMP: `'2026-01-31'`,
      TIME: `'12:00'`,
      INTERVAL: `'1 day'`,
      UUID: 'uuid()',
      BLOB: `'x'`,
      JSON: `'{}'`,
      'INTEGER[]': '[1, null]',
      'STRUCT(a INTEGER, b VARCHAR)': `{'a': 1, 'b': null}`,
      'MAP(VARCHAR, INTEGER)': `map {'a': 1}`,
    }
    for (const [type, value] of Object.entries(values)) {
      const [row] = await connection.rows<{ v: unknown }>(`select cast(${value} as ${type}) as v`)
      const text = typescriptOf(type)
      const matches = text.endsWith('[]')
        ? Array.isArray(row!.v)
        : /^(\{|Record)/.test(text)
          ? typeof row!.v === 'object'
          : text.split(' | ').includes(typeof row!.v)
      expect({ type, text, matches }).toEqual({ type, text, matches: true })
    }
    database.close()
  })

  it('quotes names that TypeScript would not take', () => {
    expect([propertyName('plain_name'), propertyName('2nd'), propertyName("it's")]).toEqual([
      'plain_name',
      "'2nd'",
      "'it\\'s'",
    ])
  })
})

describe('the interfaces', () => {
  it('may be null unless a test forbids it, for every row and as an error', async () => {
    const project = await load(
      projectFolder({
        'models/marts/m.sql': `select 1 as a, 2 as b, 3 as c, 4 as d, 'x' as "odd name"`,
        'models/marts/m.yml': `version: 2
models:
  - name: m
    columns:
      - { name: a, data_tests: [not_null] }
      - { name: b, data_tests: [{ not_null: { config: { severity: warn } } }] }
      - { name: c, data_tests: [{ not_null: { config: { where: "a = 1" } } }] }
`,
      }),
    )
    const text = relationTypes(project, await inspectProject(project))
    const lines = ['a: number', 'b: number | null', 'c: number | null', 'd: number | null', "'odd name': string | null"]
    expect(text).toContain(`export interface MartsM {\n${lines.map((line) => `  ${line}`).join('\n')}\n}`)
    expect(text).toContain(`  'marts.m': MartsM\n`)
  })
})

it('pipeline/generated/relations.ts says what the SQL says: else run pipeline check --write-types', async () => {
  const env = {}
  const project = await loadProject({ root: ROOT, config_file: 'pipeline.yaml', set: [], vars: {}, env, rooms: ROOMS })
  const checked = await inspectProject(project)
  expect(checked.problems).toEqual([])
  expect(checked.skipped).toEqual([])
  expect(freshnessOf(relationTypes(project, checked), ROOT)).toEqual([])
})
