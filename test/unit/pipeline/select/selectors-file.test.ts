import { describe, expect, it } from 'vitest'
import { selectNodes } from '../../../../pipeline/select.ts'
import { load, problemsOf, projectFolder } from '../../../helpers/project.ts'

const models = {
  'models/staging/stg_a.sql': `{{ config(tags=['nightly', 'foo', 'bar']) }}select 1 as id`,
  'models/staging/stg_b.sql': `{{ config(tags=['foo', 'bar', 'buzz']) }}select 1 as id`,
  'models/export/export_a.sql': `select * from {{ ref('stg_a') }}`,
  'models/export/export_performance_timing.sql': `select * from {{ ref('stg_b') }}`,
  'models/export/export_a.yml':
    'version: 2\nmodels:\n  - name: export_a\n    columns:\n      - name: id\n        data_tests: [{ relationships: { to: ref("stg_b"), field: id } }]\n',
}

async function selected(definition: string, name = 'it', rest = ''): Promise<string[]> {
  const selectors = `selectors:\n  - name: it\n    definition:\n${definition.replaceAll(/^/gm, '      ')}\n${rest}`
  const { graph, selectors: known } = await load(projectFolder({ ...models, 'selectors.yml': selectors }))
  const ids = selectNodes(graph, { select: [], exclude: [], selector: name, selectors: known })
  return [...ids]
    .map((id) => graph.nodes.get(id)!)
    .map(({ kind, name }) => (kind === 'test' ? 'the test' : name))
    .sort()
}

describe('selectors.yml, by the examples of dbt', () => {
  it.each([
    ["'tag:nightly'", ['stg_a']],
    ['tag: nightly', ['stg_a']],
    ['config.tags: buzz', ['stg_b', 'the test']],
    ['method: tag\nvalue: nightly\nchildren: true\nindirect_selection: empty', ['export_a', 'the test', 'stg_a']],
    [
      'method: fqn\nvalue: stg_a\nindirect_selection: cautious\nchildren: true\nchildren_depth: 1',
      ['export_a', 'stg_a'],
    ],
    [
      'method: fqn\nvalue: export_a\nparents: true\nparents_depth: 1\nindirect_selection: cautious',
      ['export_a', 'stg_a'],
    ],
    [
      'method: fqn\nvalue: stg_a\nchildrens_parents: true\nindirect_selection: cautious',
      ['export_a', 'the test', 'stg_a', 'stg_b'],
    ],
    ['method: tag\nvalue: foo\nexclude:\n  - tag:buzz', ['stg_a']],
    ['union:\n  - method: tag\n    value: foo\n  - exclude:\n      - method: tag\n        value: buzz', ['stg_a']],
    [
      'union:\n  - intersection:\n      - tag:foo\n      - tag:bar\n  - models/export\n  - exclude:\n      - intersection: [package:demo, tag:buzz]\n      - export_performance_timing\n      - resource_type:test',
      ['export_a', 'stg_a'],
    ],
    [
      'intersection:\n  - method: selector\n    value: foo_and_bar\n  - exclude: [{ method: tag, value: buzz }]',
      ['stg_a'],
    ],
  ])('%j', async (definition, expected) => {
    const rest = '  - name: foo_and_bar\n    definition: { intersection: [{ tag: foo }, { tag: bar }] }\n'
    expect(await selected(definition, 'it', rest)).toEqual([...expected].sort())
  })

  it('the default counts where a call says nothing', async () => {
    const selectors = 'selectors:\n  - { name: a, default: true, definition: stg_a }\n'
    const { graph, selectors: known } = await load(projectFolder({ ...models, 'selectors.yml': selectors }))
    const ids = (select: string[]) => [...selectNodes(graph, { select, exclude: [], selectors: known })].sort()
    expect(ids([])).toEqual(['model.demo.stg_a'])
    expect(ids(['stg_b', 'selector:a'])).toEqual(expect.arrayContaining(['model.demo.stg_a', 'model.demo.stg_b']))
  })
})

describe('what is wrong in selectors.yml is said with its line', () => {
  it.each([
    [
      'selectors:\n  - name: a\n    definition: tags:x',
      ["selectors.yml:3  'tags:x': there is no method 'tags' | Did you mean tag?"],
    ],
    [
      'selectors:\n  - name: a\n    definition: tag:x tag:y',
      ["selectors.yml:3  'tag:x tag:y' is more than one word | Write union: or intersection: with a list."],
    ],
    [
      'selectors:\n  - name: a\n    definition: { method: tag, valu: x }',
      ["selectors.yml:3  unknown key 'valu' | Did you mean value?"],
    ],
    [
      'selectors:\n  - name: a\n    definition: { union: [tag:x], intersection: [tag:y] }',
      ['selectors.yml:3  union stands alone, and here are union, intersection'],
    ],
    [
      'selectors:\n  - name: a\n    definition:\n      union:\n        - exclude: [tag:x]\n        - exclude: [tag:y]',
      ['selectors.yml:4  union: has more than one exclude | Write them as one list.'],
    ],
    [
      'selectors:\n  - name: a\n    definition: selector:b',
      ["selectors.yml:3  'selector:b': there is no such selector"],
    ],
    [
      'selectors:\n  - name: a\n    definition: selector:b\n  - name: b\n    definition: selector:a',
      ["'selector:a' refers to itself: a > b > a"],
    ],
    [
      'selectors:\n  - { name: a, definition: x }\n  - { name: a, definition: x }',
      ["selectors.yml:3  the selector 'a' is defined twice"],
    ],
    [
      'selectors:\n  - { name: a, default: true, definition: x }\n  - { name: b, default: true, definition: x }',
      ["selectors.yml:3  'b' and 'a' are both the default | Keep one."],
    ],
    ['selectors:\n  - name: a', ["selectors.yml:2  selectors.0: key 'definition' is missing"]],
    ['selector: []', ["selectors.yml:1  unknown key 'selector' | Did you mean selectors?"]],
  ])('%j', async (text, expected) => {
    const problems = await problemsOf({ ...models, 'selectors.yml': text })
    for (const part of expected) expect(problems.join('\n')).toContain(part)
  })
})
