import { describe, expect, it } from 'vitest'
import { keepingPromises } from '../../../pipeline/contract.ts'
import type { ModelNode } from '../../../pipeline/nodes.ts'
import { builds } from '../../helpers/builds.ts'
import { load, problemsOf, projectFolder } from '../../helpers/project.ts'
import { world } from '../../helpers/world.ts'

const twin = (columns: string, more = '', config = 'contract: { enforced: true }') =>
  `version: 2\nmodels:\n  - name: m\n    config: { ${config} }\n${more}    columns:\n${columns}`
const project = (sql: string, yaml: string) => ({ 'models/marts/m.sql': sql, 'models/marts/m.yml': yaml })
const ID_NAME = '      - { name: id, data_type: integer }\n      - { name: name, data_type: string }\n'

describe('a contract', () => {
  it('is kept by columns of any order and case, with types as DuckDB understands them', async () => {
    const one = builds(project(`select 'a' as "Name", 1 as id`, twin(ID_NAME)))
    expect((await one.build()).exit_code).toBe(0)
    expect(await one.rows("select column_name, data_type from duckdb_columns() where table_name = 'm'")).toEqual([
      { column_name: 'id', data_type: 'INTEGER' },
      { column_name: 'name', data_type: 'VARCHAR' },
    ])
    expect(await one.rows('from marts.m')).toEqual([{ id: 1, name: 'a' }])
    expect((await one.build()).results.map(({ status }) => status)).toEqual(['reused'])
  })

  it('that does not hold leaves the old table and shows every difference', async () => {
    const one = builds(project(`select 1 as id, 'a' as name`, twin(ID_NAME)))
    await one.build()
    one.write(project(`select 1::bigint as id, 'a' as nme, 2 as extra`, twin(ID_NAME)))
    expect((await one.build()).exit_code).toBe(1)
    expect(one.result('m').status).toBe('error')
    expect(one.result('m').message).toBe(`models/marts/m.yml:6  m does not keep its contract
  | column_name | definition_type | contract_type | mismatch_reason       |
  | ----------- | --------------- | ------------- | --------------------- |
  | id          | BIGINT          | INTEGER       | data type mismatch    |
  | name        |                 | VARCHAR       | missing in definition |
  | nme         | VARCHAR         |               | missing in contract   |
  | extra       | INTEGER         |               | missing in contract   |
  Mend models/marts/m.sql, or what the contract says of these columns. Did you mean nme?`)
    expect(await one.rows('from marts.m')).toEqual([{ id: 1, name: 'a' }])
  })

  it('holds for views, and is built again when it changes', async () => {
    const one = builds(project('select 1 as id', twin('      - { name: id, data_type: integer }\n')))
    await one.build({ set: ['models.marts.materialized=view'] })
    expect(one.result('m').status).toBe('success')
    one.write({ 'models/marts/m.yml': twin('      - { name: id, data_type: bigint }\n') })
    await one.build({ set: ['models.marts.materialized=view'] })
    expect(one.result('m').message).toContain('data type mismatch')
  })

  it('says the type that is none, at its line', async () => {
    const one = builds(project('select 1 as id', twin('      - { name: id, data_type: intger }\n')))
    await one.build()
    expect(one.result('m').message).toMatch(/^models\/marts\/m.yml:6 {2}'intger' is no type of DuckDB\n/)
  })

  it('names every column and its type before anything runs', async () => {
    expect(await problemsOf(project('select 1 as id', twin('      - name: id\n')))).toEqual([
      "models/marts/m.yml:6  column 'id' has no data_type, and the contract of m is enforced | Add data_type: <a DuckDB type>.",
    ])
    const inline = { 'models/marts/m.sql': "{{ config(contract={'enforced': true}) }} select 1 as id" }
    expect(await problemsOf(inline)).toEqual([
      'models/marts/m.sql  has an enforced contract and no columns | List its columns with name and data_type, or set contract: { enforced: false }.',
    ])
  })

  it('may be asked of a folder', async () => {
    const one = builds(project('select 1 as id', twin('      - { name: id, data_type: bigint }\n', '', '')))
    await one.build({ set: ['models.marts.contract.enforced=true'] })
    expect(one.result('m').message).toContain('data type mismatch')
  })
})

describe('constraints', () => {
  const column = (constraints: string) => `      - { name: id, data_type: integer, constraints: [${constraints}] }\n`
  const broken = async (sql: string, columns: string, more = '') => {
    const one = builds(project('select 1 as id', twin(columns, more)))
    expect((await one.build()).exit_code).toBe(0)
    one.write(project(sql, twin(columns, more)))
    expect((await one.build()).exit_code).toBe(1)
    expect(await one.rows('from marts.m')).toEqual([{ id: 1 }])
    return one.result('m').message.split('\n')[0]
  }

  it('of a column are kept by DuckDB; the old table stands when one breaks', async () => {
    expect(await broken('select null::integer as id', column('{ type: not_null }'))).toBe(
      'models/marts/m.yml:6  m breaks its constraint not_null (id)',
    )
    expect(await broken('select unnest([7, 7]) as id', column('{ type: unique }'))).toBe(
      'models/marts/m.yml:6  m breaks its constraint unique (id)',
    )
    expect(await broken('select unnest([7, 7]) as id', column('{ type: primary_key }'))).toBe(
      'models/marts/m.yml:6  m breaks its constraint primary_key (id)',
    )
    expect(await broken('select -7 as id', column("{ type: check, expression: 'id > 0' }"))).toBe(
      'models/marts/m.yml:6  m breaks its constraint check id > 0',
    )
  })

  it('of a model span columns, and no value of a row is ever shown', async () => {
    const columns =
      '      - { name: email, data_type: varchar }\n      - { name: list, data_type: varchar }\n      - { name: n, data_type: integer }\n'
    const more = `    constraints:
      - { type: primary_key, name: one_each, columns: [email, list] }
      - { type: not_null, columns: [n] }
      - { type: check, expression: "n > 0 -- more than none" }
`.replace(' -- more than none', '')
    const good = `select 'ana@example.com' as email, 'a' as list, 1 as n`
    const one = builds(project(good, twin(columns, more)))
    expect((await one.build()).exit_code).toBe(0)
    one.write(project(`${good} union all ${good}`, twin(columns, more)))
    await one.build()
    expect(one.result('m').message).toContain('m breaks its constraint primary_key (email, list)')
    expect(one.result('m').message).not.toContain('ana@')
    one.write(project(`select 'x' as email, 'a' as list, null::integer as n`, twin(columns, more)))
    await one.build()
    expect(one.result('m').message).toContain('models/marts/m.yml:12  m breaks its constraint not_null (n)')
  })

  it('of a foreign key make the parent a parent, and hold across schemas', async () => {
    const foreign = (to: string) => `{ type: foreign_key, to: "${to}", to_columns: [key] }`
    const yaml = twin(column(foreign("ref('parent')")))
    const parent = { 'models/staging/parent.sql': 'select unnest([1, 2]) as key' }
    const one = builds({ ...project('select unnest([1, 2, null]) as id', yaml), ...parent })
    expect((await one.build()).exit_code).toBe(0)
    expect((await one.build({ full_refresh: true })).exit_code).toBe(0)
    one.write({ 'models/staging/parent.sql': 'select 1 as key' })
    expect((await one.build()).exit_code).toBe(1)
    expect(one.result('m').message).toBe(
      'models/marts/m.yml:6  m breaks its constraint foreign key (id) to staging.parent: 1 without a parent',
    )
    expect(await one.rows('select count(*) as n from marts.m')).toEqual([{ n: 3 }])
    const wrong = { ...project('select 1 as id', twin(column(foreign("ref('parnet')")))), ...parent }
    expect(await problemsOf(wrong)).toEqual([
      "models/marts/m.yml:6  ref('parnet') names no model, seed or step table | Did you mean parent?",
    ])
  })

  it('hold for what an incremental model adds', async () => {
    const columns =
      '      - { name: id, data_type: integer, constraints: [{ type: unique }, { type: foreign_key, to: "ref(\'parent\')", to_columns: [key] }] }\n'
    const sql = (added: string) =>
      `{{ config(materialized='incremental') }} {% if is_incremental() %}${added}{% else %}select 1 as id{% endif %}`
    const yaml = twin(columns)
    const parent = { 'models/staging/parent.sql': 'select unnest([1, 2]) as key' }
    const one = builds({ ...project(sql('select 1 as id where false'), yaml), ...parent })
    await one.build()
    expect((await one.build({ full_refresh: true })).exit_code).toBe(0)
    one.write(project(sql('select 1 as id'), yaml))
    await one.build()
    expect(one.result('m').message).toContain('m breaks its constraint unique (id)')
    one.write(project(sql('select 3 as id'), yaml))
    await one.build()
    expect(one.result('m').message).toContain('foreign key (id) to staging.parent: 1 without a parent')
    one.write(project(sql('select 2 as id'), yaml))
    expect((await one.build()).exit_code).toBe(0)
    expect(await one.rows('from marts.m order by id')).toEqual([{ id: 1 }, { id: 2 }])
  })

  it('name columns that there are, and say what they need', async () => {
    const more = '    constraints: [{ type: unique, columns: [ide] }, { type: unique }, { type: check }]\n'
    expect(await problemsOf(project('select 1 as id', twin(column(''), more)))).toEqual([
      "models/marts/m.yml:5  the constraint unique names the column 'ide', which the contract does not have | Did you mean id?",
      'models/marts/m.yml:5  the constraint unique says no columns | Add columns: […].',
      'models/marts/m.yml:5  the constraint check has no expression | Add expression: <SQL>.',
    ])
  })

  it('that a view, or a model without a contract, cannot keep are said and change nothing', async () => {
    const constrained = column('{ type: not_null }')
    const said = async (config: string) => {
      const { graph } = await load(projectFolder(project('select 1 as id', twin(constrained, '', config))))
      const notes: string[] = []
      const listener = { note: (text: string) => void notes.push(text) }
      const { connection, close } = await world()
      const node = graph.nodes.get('model.demo.m') as ModelNode
      await keepingPromises(connection, node, listener, async () => {})
      close()
      return notes
    }
    expect(await said('contract: { enforced: true }, materialized: view')).toEqual([
      'm: a view cannot keep constraints; not kept: not_null (id)',
    ])
    expect(await said('materialized: table')).toEqual([
      'm: constraints are kept only with an enforced contract; not kept: not_null (id)',
    ])
    expect(await said('contract: { enforced: true }')).toEqual([])
    const one = builds(project('select null::integer as id', twin(constrained, '', 'materialized: view')))
    expect((await one.build()).exit_code).toBe(0)
  })
})
