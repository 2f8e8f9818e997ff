import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { openDatabase } from '../../pipeline/warehouse/duckdb.ts'
import { block, type DeployWorld, deployWorld, workflowSteps } from '../helpers/deploy-world.ts'
import { textOf } from '../helpers/source-tree.ts'

// Both deployments of docs/deploy.md, as they stand there, in throw-away folders. Each test goes on where the one before
// it stopped, as nights do.

const LONG = 600_000

const today = () => new Date().toISOString().slice(0, 10)

/** What a file holds, and for which day: marts of another day are other marts. */
function hashOf(file: string): { day: string; hash: string } {
  return { day: today(), hash: createHash('sha256').update(readFileSync(file)).digest('hex') }
}

function expectSameMarts(now: ReturnType<typeof hashOf>, before: ReturnType<typeof hashOf>): void {
  if (now.day === before.day) expect(now).toEqual(before)
}

describe('a machine with cron', () => {
  let world: DeployWorld
  let place: string
  let state: string
  let scores: ReturnType<typeof hashOf>
  const run = (tag: string, code = 0) =>
    world.sh(block('sh', `vm ${tag}`), { code, env: { REPOSITORY: world.origin, PLACE: place, STATE: state } })
  const backups = () => readdirSync(join(state, 'backups'))
  const published = () => hashOf(join(place, 'data/prod/exports/fct_scored_leads.parquet'))

  beforeAll(() => {
    world = deployWorld()
    place = join(world.folder, 'srv/lead-engine')
    state = join(world.folder, 'state')
  })
  afterAll(() => world.remove())

  it('is installed and runs its first night by hand', { timeout: LONG }, () => {
    for (const tag of ['install', 'nightly', 'schedule']) run(tag)
    const { stdout } = run('first')
    expect(stdout).toMatch(/target +prod \(nothing leaves this machine\)/)
    expect(backups()).toHaveLength(1)
    scores = published()
  })

  it('runs the next night from cron’s bare environment, and says nothing when all is well', { timeout: LONG }, () => {
    const [path, line] = readFileSync(join(world.folder, 'crontab'), 'utf8').trim().split('\n') as [string, string]
    const command = line.split(' ').slice(5).join(' ')
    const cron = `env -i HOME='${world.folder}' SHELL=/bin/sh '${path}' sh -c '${command}'`
    world.sh('sleep 1')
    expect(world.sh(cron)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(readFileSync(join(state, 'log'), 'utf8').match(/exit 0$/gm)).toHaveLength(2)
    expect(backups()).toHaveLength(2)
    expectSameMarts(published(), scores)
  })

  it('comes back from its newest backup when the disk is gone', { timeout: LONG }, () => {
    rmSync(place, { recursive: true })
    world.sh(`git clone --quiet '${world.origin}' '${place}' && cd '${place}' && npm ci --omit=dev`)
    run('restore')
    expectSameMarts(published(), scores)
  })

  it('goes live on its own ledger, and on no other', { timeout: LONG }, () => {
    const id = run('live').stdout.trim()
    expect(id).toMatch(/^led-/)
    const yaml = readFileSync(join(world.desk, 'pipeline.yaml'), 'utf8')
    const live = block('yaml', 'live').replace(/led-…/, id)
    world.publish('pipeline.yaml', yaml.replace(block('yaml', 'prod'), block('yaml', 'prod') + live))
    expect(existsSync(join(place, 'data/crm'))).toBe(false)
    world.sh(`'${state}/nightly'`)
    expect(readdirSync(join(place, 'data/crm')).some((file) => file.endsWith('.json'))).toBe(true)

    rmSync(join(place, 'data/prod/ledger.duckdb'))
    const refused = world.sh('npx pipeline run --target prod', { cwd: place, code: 2 })
    expect(refused.stderr).toMatch(/has no ledger/)
  })
})

describe('GitHub Actions', () => {
  let world: DeployWorld
  let scores: ReturnType<typeof hashOf>
  let ledger: string

  beforeAll(() => {
    world = deployWorld()
  })
  afterAll(() => world.remove())

  /** One job on a machine that was never there before, and is gone after. */
  function night(name: string) {
    const cwd = join(world.folder, name)
    world.sh(`git clone --quiet --depth 1 'file://${world.origin}' '${cwd}'`)
    const summary = join(world.folder, `${name}.md`)
    for (const { run } of workflowSteps('pipeline.yml')) {
      if (run === undefined) continue
      const shell = ['bash', '--noprofile', '--norc', '-eo', 'pipefail', '-c']
      world.sh(run, { cwd, shell, env: { CI: 'true', GITHUB_STEP_SUMMARY: summary } })
    }
    const { stdout } = world.sh('npx pipeline ledger check --target ci --output json', { cwd })
    const { ledger_id } = JSON.parse(stdout) as { ledger_id: string }
    return { cwd, ledger_id, summary: readFileSync(summary, 'utf8') }
  }
  const home = () => world.sh('git log -1 --format=%H%n%s refs/ledger/main', { cwd: world.origin }).stdout.split('\n')

  it('uses only steps that exist, and checks changes with the whole check', () => {
    const uses = ['ci.yml', 'pipeline.yml', 'diff.yml'].flatMap((file) =>
      workflowSteps(file).flatMap(({ uses }) => uses ?? []),
    )
    expect([...new Set(uses)].sort()).toEqual([
      'actions/checkout@v4',
      'actions/setup-node@v4',
      'actions/upload-artifact@v4',
    ])
    expect(workflowSteps('ci.yml').flatMap(({ run }) => run ?? [])).toEqual(['bash .ci/run'])
    const { targets } = parse(textOf('pipeline.yaml')) as { targets: Record<string, unknown> }
    if ('ci' in targets) expect({ ci: targets.ci }).toEqual(parse(block('yaml', 'ci')))
  })

  it('makes the ledger on the first night, stores it, and publishes', { timeout: LONG }, async () => {
    const { cwd, ledger_id, summary } = night('first')
    expect(summary).toContain('nothing leaves this machine')
    expect(home()[1]).toMatch(/^generation [1-9]/)
    const database = await openDatabase({ path: join(cwd, 'published/warehouse.duckdb'), read_only: true })
    const connection = await database.connect()
    const [row] = await connection.rows<{ n: number }>('select count(*) as n from marts.dim_companies')
    database.close()
    expect(row!.n).toBeGreaterThan(20)
    scores = hashOf(join(cwd, 'published/exports/fct_scored_leads.parquet'))
    ledger = ledger_id
    rmSync(cwd, { recursive: true })
  })

  it('goes on from there on the next night, on another machine', { timeout: LONG }, () => {
    const { cwd, ledger_id } = night('second')
    expect(ledger_id).toBe(ledger)
    expectSameMarts(hashOf(join(cwd, 'published/exports/fct_scored_leads.parquet')), scores)
  })

  it('comments on a pull request which leads it moves, and fails where the gate says so', { timeout: LONG }, () => {
    const cwd = join(world.folder, 'pull-request')
    world.sh(`git clone --quiet --depth 1 'file://${world.origin}' '${cwd}'`)
    const card = join(cwd, 'scoring/scores/fit.yml')
    const text = readFileSync(card, 'utf8')
    writeFileSync(card, text.replace(/(rule: backed\n +points: )5\b/, '$125'))
    expect(readFileSync(card, 'utf8')).not.toBe(text)
    const before = home()
    const gh = `case "$1 $2" in
      'run list') echo 42 ;;
      'run download') [ "$3" = 42 ] && mkdir -p published && cp -R '${join(world.folder, 'second/published')}'/* published/ ;;
      'pr comment') cp diff.md '${join(world.folder, 'comment.md')}' ;;
      *) exit 1 ;;
    esac`
    writeFileSync(join(world.folder, 'bin/gh'), `#!/bin/sh\n${gh}\n`, { mode: 0o755 })
    const env = {
      CI: 'true',
      GITHUB_STEP_SUMMARY: join(world.folder, 'pull-request.md'),
      PUBLICATION: '',
      BASE: 'main',
      NUMBER: '7',
    }
    const steps = workflowSteps('diff.yml').filter(({ run }) => run !== undefined)
    for (const { name, run } of steps) {
      const code = name === 'Gate' ? 1 : 0
      world.sh(run!, {
        cwd,
        code,
        shell: ['bash', '--noprofile', '--norc', '-eo', 'pipefail', '-c'],
        env: { ...env, FAIL_IF: 'score_changes > 0' },
      })
    }
    const comment = readFileSync(join(world.folder, 'comment.md'), 'utf8')
    expect(comment).toMatch(/^## What this change moves\nCompared with published/)
    expect(comment).toContain('| leads with another score |')
    expect(comment).toContain('**fails:** `score_changes > 0`')
    expect(home()).toEqual(before)
  })

  it('does not let a run store its ledger over one it has not seen', () => {
    const before = home()
    const cwd = join(world.folder, 'second')
    const LEDGER_PATH = join(cwd, 'data/ledger.duckdb')
    const env = { LEDGER_PATH, LEDGER_EXPECTED: '0', LEDGER_GENERATION: '1' }
    const { stderr } = world.sh('.github/ledger-home push', { cwd, env, code: 1 })
    expect(stderr).toMatch(/the ledger's home is at generation \d+, not 0/)
    expect(home()).toEqual(before)
  })

  it('tells a home that cannot be reached from one that has no ledger yet', () => {
    const env = { LEDGER_PATH: join(world.folder, 'pulled.duckdb') }
    const cwd = join(world.folder, 'second')
    world.sh('.github/ledger-home pull', { cwd, env: { ...env, LEDGER_REF: 'refs/ledger/none' }, code: 3 })
    world.sh('.github/ledger-home pull', { cwd, env: { ...env, LEDGER_REMOTE: join(world.folder, 'gone') }, code: 1 })
    expect(existsSync(env.LEDGER_PATH)).toBe(false)
  })
})
