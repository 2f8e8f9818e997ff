import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  createReadStream,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '../../pipeline/warehouse/duckdb.ts'
import { openSession } from '../../pipeline/warehouse/session.ts'
import { pipeline, projectCopy } from '../helpers/cli.ts'

const LONG = 300_000
const POLICY = 'scoring/qualification.yml'

let root: string
let old: string

interface Said {
  before: string
  figures: Record<string, { value: number; of?: number; percent?: number }>
  marts: {
    name: string
    state: string
    added: number
    removed: number
    changed: number
    columns: { name: string; rows: number }[]
  }[]
  parts: { name: string; tables: { name: string; total: number; rows: Record<string, unknown>[] }[] }[]
  rebuilt: string[]
}

interface Lead {
  lead_id: string
  tier: string
  score: number
  status: string
}

const git = (...words: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...words], { cwd: root })

function edit(file: string, change: (text: string) => string): void {
  const path = join(root, file)
  const text = readFileSync(path, 'utf8')
  const changed = change(text)
  if (changed === text) throw new Error(`${file} has another shape`)
  writeFileSync(path, changed)
}

/** Tiers by the score alone, so that a cut-off says by itself which leads it moves. */
const byScore = () =>
  edit(POLICY, (text) =>
    text
      .replace(/^matrix:\n( .*\n)+/m, '')
      .replace('tier: A,', 'tier: A, from: 70,')
      .replace('tier: B,', 'tier: B, from: 30,')
      .replace('tier: C,', 'tier: C, from: 0,'),
  )
const cutOff = (from: number) => edit(POLICY, (text) => text.replace(/(tier: A, from: )\d+/, `$1${from}`))

async function diff(...args: string[]): Promise<Said> {
  const { code, stdout, stderr } = await pipeline(root, ['diff', '--output', 'json', '--limit', '-1', ...args])
  if (code !== 0) throw new Error(`exit ${code}\n${stderr}`)
  return JSON.parse(stdout) as Said
}

const movedOf = (said: Said) =>
  said.parts.find(({ name }) => name === 'leads')!.tables.find(({ name }) => name === 'moved')?.rows ?? []

async function rows<T>(file: string, sql: string): Promise<T[]> {
  const database = await openDatabase({ path: realpathSync(file), read_only: true })
  try {
    return await (await database.connect()).rows<T>(sql)
  } finally {
    database.close()
  }
}

const leadsOf = (file: string) =>
  rows<Lead>(
    file,
    'select lead_id, tier, score, qualification_status as status from marts.fct_scored_leads order by lead_id',
  )

/** What a run must find as it was: ledger, build file, publication. */
function state(): Record<string, string> {
  const files = ['ledger.duckdb', '.build/warehouse.duckdb', '.published/current/warehouse.duckdb'].map((file) =>
    join(root, 'data', file),
  )
  const hash = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')
  return Object.fromEntries([
    ...files.map((file) => [file, hash(file)]),
    [
      'folder',
      [...readdirSync(join(root, 'data', '.build')), ...readdirSync(join(root, 'data', '.published'))].sort().join(' '),
    ],
  ]) as Record<string, string>
}

beforeAll(async () => {
  root = projectCopy({ '.gitignore': 'data/\ntarget/\n' }, 60)
  byScore()
  git('init', '-q', '-b', 'main')
  git('add', '-A')
  git('commit', '-qm', 'one')
  const { code, stderr } = await pipeline(root, ['run', '--quiet'])
  if (code !== 0) throw new Error(stderr)
  old = join(root, 'old.duckdb')
  copyFileSync(realpathSync(join(root, 'data/warehouse.duckdb')), old)
}, LONG)
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('pipeline diff', { timeout: LONG }, () => {
  it('says that nothing changes when nothing did', async () => {
    const { code, stdout } = await pipeline(root, ['diff'])
    expect([code, stdout]).toEqual([0, expect.stringContaining('Nothing changes.')])
  })

  it('names exactly the leads that 70 → 60 moves, before the run that moves them', async () => {
    cutOff(60)
    const before = state()
    const said = await diff()
    expect(state()).toEqual(before)
    const was = await leadsOf(old)
    const expected = was.filter(({ score }) => score >= 60 && score < 70)
    expect(expected.length).toBeGreaterThan(0)
    const moved = movedOf(said)
    expect(moved.map(({ lead_id }) => lead_id).sort()).toEqual(expected.map(({ lead_id }) => lead_id))
    for (const row of moved)
      expect(row).toMatchObject({ tier_before: 'B', tier_after: 'A', moved_by: 'tier.cut_off', score_delta: 0 })
    expect(said.figures.score_changes!.value).toBe(0)
    // From the commit it is the same.
    expect(movedOf(await diff('HEAD'))).toEqual(moved)

    const planned = `select event_id from marts.fct_outreach_events where status = 'planned' order by 1`
    const asked = await rows<{ event_id: string }>(old, planned)
    const { code, stderr } = await pipeline(root, ['run', '--quiet'])
    expect([code, stderr]).toEqual([0, ''])
    const file = join(root, 'data/warehouse.duckdb')
    const now = await leadsOf(file)
    expect(now.map(({ score }) => score)).toEqual(was.map(({ score }) => score))
    const differ = now.filter((lead, index) => lead.tier !== was[index]!.tier || lead.status !== was[index]!.status)
    expect(moved.map(({ lead_id }) => lead_id).sort()).toEqual(differ.map(({ lead_id }) => lead_id))
    const after = (await rows<{ event_id: string }>(file, planned)).map(({ event_id }) => event_id)
    const known = new Set(asked.map(({ event_id }) => event_id))
    const started = said.parts
      .find(({ name }) => name === 'messages')!
      .tables.find(({ name }) => name === 'messages')!.rows
    expect(
      started
        .filter(({ change }) => change === 'starts')
        .map(({ event_id }) => event_id)
        .sort(),
    ).toEqual(after.filter((id) => !known.has(id)))
    const deals = `select count(*) as n from marts.fct_crm_syncs where object = 'deals' and operation = 'create'`
    const [[a], [b]] = [await rows<{ n: number }>(file, deals), await rows<{ n: number }>(old, deals)]
    expect(said.figures.crm_creates!.value).toBe(a!.n - b!.n)
    // Nothing but these deals is written otherwise; the brief is not made for a comparison.
    const made = `select record_id, changed_fields from marts.fct_crm_syncs where object = 'deals' and operation = 'create'`
    type Made = { record_id: string; changed_fields: string[] }
    const had = new Set((await rows<Made>(old, made)).map(({ record_id }) => record_id))
    const written = (await rows<Made>(file, made)).filter(({ record_id }) => !had.has(record_id))
    const fields = written.flatMap(({ changed_fields }) => changed_fields.filter((field) => field !== 'brief'))
    expect(said.figures.crm_fields!.value).toBe(fields.length)
  })

  it('finds what two full runs would, for a rule, against the publication, a file and a URL', async () => {
    copyFileSync(realpathSync(join(root, 'data/warehouse.duckdb')), join(root, 'sixty.duckdb'))
    edit('scoring/scores/fit.yml', (text) => text.replace(/(rule: backed\n\s+points: )5\b/, '$125'))
    const said = await diff()
    const moved = movedOf(said)
    expect(said.rebuilt).not.toContain('dim_companies')
    for (const { deltas, score_delta } of moved as { deltas: { delta: number }[]; score_delta: number }[])
      expect(deltas.reduce((sum, { delta }) => sum + delta, 0)).toBeCloseTo(score_delta, 6)
    expect(moved.some(({ moved_by }) => moved_by === 'fit.backed')).toBe(true)

    const server = await serving(join(root, 'sixty.duckdb'))
    const { port } = server.address() as AddressInfo
    const places = ['sixty.duckdb', `http://127.0.0.1:${port}/published/warehouse.duckdb?token=secret`]
    for (const place of places) {
      const other = await diff('--against', place)
      expect(other.before).not.toContain('secret')
      expect(movedOf(other)).toEqual(moved)
    }
    server.close()

    expect((await pipeline(root, ['run', '--quiet'])).code).toBe(0)
    const [was, now] = [await leadsOf(join(root, 'sixty.duckdb')), await leadsOf(join(root, 'data/warehouse.duckdb'))]
    const differ = now.filter((lead, index) => lead.tier !== was[index]!.tier || lead.status !== was[index]!.status)
    expect(moved.map(({ lead_id }) => lead_id).sort()).toEqual(differ.map(({ lead_id }) => lead_id))
    const scores = now.filter((lead, index) => lead.score !== was[index]!.score).length
    expect(said.figures.score_changes!.value).toBe(scores)
  })

  it('compares briefs where a template says something else, and only then', async () => {
    const file = 'scoring/briefs/deal_brief.en.md'
    const text = readFileSync(join(root, file), 'utf8')
    const scored = (said: Said) => said.marts.find(({ name }) => name === 'fct_scored_leads')!
    edit(file, (was) => was.replace('- Funding stage: {funding_stage}.', '- Their stage of funding: {funding_stage}.'))
    const said = await diff()
    const names = scored(said).columns.map(({ name }) => name)
    expect(names).toContain('deal_brief')
    expect(names).not.toContain('score')
    expect([said.figures.score_changes!.value, said.figures.tier_changes!.value]).toEqual([0, 0])
    writeFileSync(join(root, file), text)
    expect((await diff()).figures.marts_changed!.value).toBe(0)
  })

  it('masks people, and fails where the gate says so', async () => {
    cutOff(40)
    const names = await rows<{ full_name: string }>(
      join(root, 'data/warehouse.duckdb'),
      'select distinct full_name from marts.dim_contacts where full_name is not null',
    )
    const masked = await pipeline(root, [
      'diff',
      '--output',
      'markdown',
      '--limit',
      '-1',
      '--fail-if',
      'tier_changes > 1',
      '--fail-if',
      'leads_removed > 0%',
    ])
    expect(masked.code).toBe(1)
    expect(masked.stderr).toMatch(/failed {2}--fail-if 'tier_changes > 1': tier_changes = \d+\n$/)
    expect(masked.stdout).toMatch(/^## What this change moves\n/)
    expect(masked.stdout).toContain('**passes:** `leads_removed > 0%`')
    expect(names.filter(({ full_name }) => masked.stdout.includes(full_name))).toEqual([])
    const open = await pipeline(root, ['diff', '--limit', '-1', '--people'])
    expect(names.some(({ full_name }) => open.stdout.includes(full_name))).toBe(true)
  })

  it('is not held up by a run that holds the files, and holds up none', async () => {
    const [build, ledger] = [join(root, 'data/.build/warehouse.duckdb'), join(root, 'data/ledger.duckdb')]
    const session = await openSession({ build, ledger, as_of: '2026-01-31' })
    try {
      await session.connection.run('create table _build.marts.under_way as select 1 as a')
      expect((await diff('HEAD')).figures.tier_changes!.value).toBeGreaterThan(0)
      await session.connection.run('drop table _build.marts.under_way')
    } finally {
      session.close()
    }
  })

  it('refuses what it cannot compare', async () => {
    const refusals: [string[], RegExp][] = [
      [
        ['--fail-if', 'tier_change > 5%'],
        /--fail-if {2}'tier_change > 5%': there is no figure[^\n]*\n {2}Did you mean tier_changes\?/,
      ],
      [['no-such-branch'], /'no-such-branch' is no git ref/],
      [['--against', 'nowhere'], /there is no nowhere/],
      [['--against', 'pipeline.yaml'], /is not a published warehouse/],
      [['HEAD', '--against', 'old.duckdb'], /there is a git ref, too/],
    ]
    await Promise.all(
      refusals.map(async ([args, message]) => {
        const { code, stderr } = await pipeline(root, ['diff', ...args])
        expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
      }),
    )
    expect(existsSync(join(root, 'data/.build'))).toBe(true)
  })
})

/** One file over HTTP, behind a redirect as object stores have it. */
function serving(file: string): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/published/')) response.writeHead(302, { location: '/file' }).end()
    else createReadStream(file).pipe(response.writeHead(200))
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}
