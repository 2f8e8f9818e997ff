import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pipeline } from '../../../helpers/cli.ts'
import { projectFolder } from '../../../helpers/project.ts'

const files = {
  'seeds/colours.csv': 'id,name\n1,red\n',
  'models/staging/stg_a.sql': `select * from {{ ref('colours') }}`,
  'models/marts/mart.sql': `select * from {{ ref('stg_a') }}`,
  'models/marts/mart.yml': 'version: 2\nmodels:\n  - name: mart\n    columns: [{ name: id, data_tests: [unique] }]\n',
}

async function ls(root: string, ...words: string[]): Promise<string[]> {
  const { stdout, stderr, code } = await pipeline(root, ['ls', ...words])
  expect(code, stderr).toBe(0)
  return stdout.split('\n').filter((line) => line !== '')
}

async function run(root: string, ...words: string[]) {
  const { stdout, stderr, code } = await pipeline(root, ['run', '--quiet', '--output', 'json', ...words])
  const { built } = JSON.parse(stdout === '' ? '{}' : stdout) as { built?: { node: string; reason: string }[] }
  return {
    code,
    stderr,
    why: Object.fromEntries((built ?? []).map(({ node, reason }) => [node.split('.')[2]!, reason])),
  }
}

const write = (root: string, file: string, text: string) => writeFileSync(join(root, file), text)

describe('state', () => {
  it('a run says why it builds; state: looks at the last publication, with no folder', async () => {
    const root = projectFolder(files)
    expect((await ls(root)).length).toBeGreaterThan(3)
    expect((await pipeline(root, ['ls', '-s', 'state:modified'])).stderr).toContain('nothing has been published yet')
    expect((await run(root)).why).toEqual({ colours: 'new', stg_a: 'new', mart: 'new' })
    expect((await run(root)).why).toEqual({})
    expect(await ls(root, '-s', 'state:modified')).toEqual([])

    write(root, 'models/marts/mart.sql', `select *  -- all of it\n\n from {{ ref('stg_a') }}`)
    expect(await ls(root, '-s', 'state:modified')).toEqual([])
    expect((await run(root)).why).toEqual({})

    write(root, 'seeds/colours.csv', 'id,name\n1,red\n2,blue\n')
    write(root, 'models/marts/extra.sql', 'select as_of() as day')
    expect(await ls(root, '-s', 'state:modified')).toEqual(['demo.marts.extra', 'seed:demo.colours'])
    expect(await ls(root, '-s', 'state:new')).toEqual(['demo.marts.extra'])
    expect((await pipeline(root, ['run', '--dry-run'])).stdout).toMatch(
      /colours +file changed\n(.*\n)*.*stg_a +upstream colours may change/,
    )
    expect((await run(root)).why).toEqual({
      colours: 'file changed',
      stg_a: 'upstream colours changed',
      mart: 'upstream stg_a changed',
      extra: 'new',
    })
    expect(await ls(root, '-s', 'state:modified')).toEqual([])
    expect((await run(root, '--as-of', '2020-01-01')).why).toEqual({ extra: 'as of another date' })
    expect((await run(root, '--full-refresh', '-s', 'stg_a')).why).toEqual({ stg_a: 'full refresh' })
  })

  it('--state names a git ref or a folder with a manifest', async () => {
    const root = projectFolder({ ...files, '.gitignore': 'data\ntarget\nkept\n' })
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.email=a@b', '-c', 'user.name=a', ...args], { cwd: root })
    git('init', '-q')
    git('add', '.')
    git('commit', '-qm', 'first')
    await pipeline(root, ['compile', '--quiet'])
    mkdirSync(join(root, 'kept'))
    write(root, 'kept/manifest.json', readFileSync(join(root, 'target/manifest.json'), 'utf8'))
    for (const state of ['HEAD', 'kept']) expect(await ls(root, '-s', 'state:modified', '--state', state)).toEqual([])

    write(root, 'models/staging/stg_a.sql', `/* the colours */ select * from {{ ref('colours') }}`)
    for (const state of ['HEAD', 'kept']) expect(await ls(root, '-s', 'state:modified', '--state', state)).toEqual([])

    write(root, 'models/staging/stg_a.sql', `{{ config(tags=['daily']) }}select * from {{ ref('colours') }}`)
    write(root, 'models/marts/mart.sql', `select id from {{ ref('stg_a') }}`)
    for (const state of ['HEAD', 'kept']) {
      expect(await ls(root, '-s', 'state:modified.body', '--indirect-selection', 'empty', '--state', state)).toEqual([
        'demo.marts.mart',
      ])
      expect(await ls(root, '-s', 'state:modified.configs', '--state', state)).toEqual(['demo.staging.stg_a'])
    }
    const refused = await pipeline(root, ['ls', '-s', 'state:new', '--state', 'nowhere'])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain("'nowhere' is neither a folder nor a git ref")
  })
})

describe('retry', () => {
  it('does again what failed and what waited for it, with the flags of the call', async () => {
    const root = projectFolder({
      ...files,
      'models/staging/broken.sql': `select {{ var('x') }} as id`,
      'models/marts/after.sql': `select * from {{ ref('broken') }}`,
      'data/.keep': '',
    })
    const failed = await run(root, '--vars', '{x: cast(1/0 as tinyint) + nowhere}', '--as-of', '2020-02-02')
    expect(failed.code).toBe(1)
    expect(await ls(root, '-s', 'result:error', '--vars', '{x: 1}')).toEqual(['demo.staging.broken'])
    expect(await ls(root, '-s', 'result:skipped', '--vars', '{x: 1}', '--indirect-selection', 'empty')).toEqual([
      'demo.marts.after',
    ])
    expect((await pipeline(root, ['retry'])).code).toBe(1)
    const mended = await pipeline(root, ['retry', '--vars', '{x: 1}', '--log-format', 'json'])
    expect(mended.code, mended.stderr).toBe(0)
    expect(mended.stderr).toContain('as of 2020-02-02')
    expect(mended.stderr).toContain('"message":"models                             2 built, 3 unchanged')
    const idle = await pipeline(root, ['retry'])
    expect(idle.stderr).toContain('Nothing is left to do')
    expect((await pipeline(root, ['retry', '-s', 'mart'])).stderr).toContain("unknown option '-s'")
  })

  it('of nothing is refused', async () => {
    const { code, stderr } = await pipeline(projectFolder(files), ['retry'])
    expect(code).toBe(2)
    expect(stderr).toContain('remembers no call that could be retried')
  })
})
