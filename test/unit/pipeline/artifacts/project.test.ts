import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { manifestOf } from '../../../../pipeline/artifacts/manifest.ts'
import { writeProject } from '../../../../pipeline/artifacts/project.ts'
import { load, projectFolder } from '../../../helpers/project.ts'

const FILES = {
  'models/marts/a.sql': "select 1 as i, 'ã' as name",
  'models/marts/a.yml':
    'version: 2\nmodels:\n  - name: a\n    columns:\n      - { name: i, data_tests: [unique, not_null] }\n',
  'models/marts/b.sql': "select * from {{ ref('a') }}",
  'seeds/codes.csv': 'code\n1\n',
}

let root: string
const file = (name: string) => join(root, 'target', name)
const manifest = () => JSON.parse(readFileSync(file('manifest.json'), 'utf8'))
const model = (name: string) => file(`compiled/demo/models/marts/${name}.sql`)

/** Writes the artifacts of what the folder holds, and says what they are expected to be. */
async function written(invocation_id: string, program = 'one') {
  const { graph } = await load(root)
  const invocation = { invocation_id, generated_at: '2026-11-22T00:00:00Z' }
  writeProject(graph, 'demo', invocation, join(root, 'target'), program)
  return JSON.parse(JSON.stringify(manifestOf(graph, 'demo', invocation)))
}

/** As if the artifacts had been written a minute ago, to the second: a test's own files then bear times that can be set again. */
function age() {
  const past = new Date(Date.now() - 60_000)
  for (const name of [file('manifest.json'), file('.cache/project.json'), model('a'), model('b')])
    utimesSync(name, past, past)
  const memory = JSON.parse(readFileSync(file('.cache/project.json'), 'utf8'))
  writeFileSync(
    file('.cache/project.json'),
    JSON.stringify({ ...memory, mtime_ms: statSync(file('manifest.json')).mtimeMs }),
  )
  utimesSync(file('.cache/project.json'), past, past)
}

beforeEach(() => {
  root = projectFolder(FILES)
})

describe('the artifacts of a project', () => {
  it('are those of the graph, whether written anew or taken over with another head', async () => {
    for (const call of ['first', 'second, whose name is longer', '3']) {
      const expected = await written(call)
      expect(manifest()).toEqual(expected)
      expect(Object.keys(manifest())).toEqual(Object.keys(expected))
    }
    expect(readFileSync(model('b'), 'utf8')).toBe('select * from marts.a\n')
  })

  it('are made anew when a model, a property, a seed or the program is another', async () => {
    await written('first')
    age()
    const changes: [string, string][] = [
      ['models/marts/a.sql', "select 2 as i, 'ã' as name"],
      ['models/marts/a.yml', `${FILES['models/marts/a.yml']}    description: New.\n`],
      ['seeds/codes.csv', 'code\n2\n'],
    ]
    for (const [name, text] of changes) {
      writeFileSync(join(root, name), text)
      const expected = await written('next')
      expect(manifest()).toEqual(expected)
    }
    expect(readFileSync(model('a'), 'utf8')).toBe("select 2 as i, 'ã' as name\n")
    // What nobody can tell from the file that was left is taken over; another program takes nothing over.
    writeFileSync(file('manifest.json'), readFileSync(file('manifest.json'), 'utf8').replace('New.', 'Old.'))
    age()
    await written('next')
    expect(manifest().nodes['model.demo.a'].description).toBe('Old.')
    expect(manifest().metadata.invocation_id).toBe('next')
    await written('next', 'two')
    expect(manifest().nodes['model.demo.a'].description).toBe('New.')
  })

  it('hold the SQL of a generic test only where somebody will look at it', async () => {
    const { graph } = await load(root)
    const tests = [...graph.nodes.values()].filter(({ kind }) => kind === 'test')
    const files = () =>
      existsSync(file('compiled/demo/models/marts/a.yml')) && readdirSync(file('compiled/demo/models/marts/a.yml'))
    const invocation = { invocation_id: 'first', generated_at: '2026-11-22T00:00:00Z' }
    writeProject(graph, 'demo', invocation, join(root, 'target'), 'one')
    expect(files()).toBe(false)
    writeProject(graph, 'demo', invocation, join(root, 'target'), 'one', new Set([tests[0]!.id]))
    expect(files()).toEqual([`${tests[0]!.name}.sql`])
  })

  it('are mended where somebody has been', async () => {
    const expected = await written('first')
    for (const harm of [
      () => rmSync(file('manifest.json')),
      () => appendFileSync(file('manifest.json'), ' '),
      () => rmSync(file('.cache'), { recursive: true }),
      () => writeFileSync(file('.cache/project.json'), '{'),
    ]) {
      harm()
      await written('first')
      expect(manifest()).toEqual(expected)
    }
    age()
    writeFileSync(model('a'), readFileSync(model('a'), 'utf8').replace('1', '9'))
    rmSync(model('b'))
    await written('first')
    expect(readFileSync(model('a'), 'utf8')).toBe("select 1 as i, 'ã' as name\n")
    expect(readFileSync(model('b'), 'utf8')).toBe('select * from marts.a\n')
  })
})
