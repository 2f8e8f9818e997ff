import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { formatProblem, type Problem, ProjectError } from '../../../pipeline/errors.ts'
import type { Step } from '../../../pipeline/step.ts'
import { quoteIdentifier } from '../../../pipeline/table.ts'
import { parseYaml } from '../../../pipeline/yaml.ts'
import { loadScoring } from '../../../scoring/load.ts'
import { LEAD_SCORES, settings, steps } from '../../../scoring/run.ts'
import { type TestWorld, world } from '../../helpers/world.ts'
import { LEAD_FACTS, putFacts } from './lead-facts.ts'

const repository = resolve(import.meta.dirname, '../../..')

const BRIEFLESS = 'scoring: { scores: [fit, intent], brief: null }'

function project(edits: Record<string, [string, string]> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'lead-engine-scoring-'))
  cpSync(join(repository, 'scoring'), join(root, 'scoring'), {
    recursive: true,
    filter: (path) => !path.endsWith('.ts'),
  })
  for (const [file, [from, to]] of Object.entries(edits)) {
    const path = join(root, 'scoring', file)
    const text = readFileSync(path, 'utf8')
    expect(text).toContain(from)
    writeFileSync(path, text.replace(from, to))
  }
  return root
}

async function stepOf(
  root: string,
  yaml = 'scoring: { scores: [fit, intent] }',
): Promise<{ step?: Step; problems: string[] }> {
  const problems: Problem[] = []
  const config = parseYaml('pipeline.yaml', yaml, problems)!
  const chosen = settings.parse((config.data as { scoring: unknown }).scoring)
  const { steps: made } = await steps({ root, settings: chosen, config, problems })
  return { step: made[0], problems: problems.map(formatProblem) }
}

const opened: TestWorld[] = []
afterEach(() => {
  for (const one of opened.splice(0)) one.close()
})

/** A world whose facts are these leads. */
async function worldWith(leads: object[], as_of = '2026-01-31', columns = LEAD_FACTS): Promise<TestWorld> {
  const made = await world({ as_of })
  opened.push(made)
  await made.world.session.useSchemas(['intermediate', 'scoring'])
  const typed = Object.entries(columns).map(([name, type]) => `${quoteIdentifier(name)} ${type}`)
  await made.connection.run(`create table intermediate.int_lead_facts (${typed.join(', ')})`)
  await putFacts(made.connection, leads, columns)
  return made
}

const GOOD = {
  lead_id: 'led_1',
  company_id: 'cmp_1',
  contact_id: 'con_1',
  country: 'BR',
  company_name: 'Acme',
  is_icp_match: true,
  icp_profiles: ['saas'],
  icp_soft_met: 2,
  icp_soft_total: 2,
  industry: 'saas',
  company_seen_at: '2026-01-20T00:00:00Z',
  contact_seen_at: '2026-01-20T00:00:00Z',
  employee_count: 100,
  revenue_usd: 5_000_000,
  title: 'CEO',
  seniority: 'c_level',
  email_status: 'valid',
  signal_count: 2,
  hiring_signal_at: '2026-01-20',
  hiring_evidence: '12 vagas',
  latest_signal_at: '2026-01-20',
}
const BAD = { lead_id: 'led_2', company_id: 'cmp_2', is_icp_match: false, icp_failed_rules: ['country'] }
const UNKNOWN = { lead_id: 'led_3', company_id: 'cmp_3' }

describe('the step lead_scores', () => {
  it('scores every lead, and records versions and history', async () => {
    const { step, problems } = await stepOf(project())
    expect(problems).toEqual([])
    const made = await worldWith([GOOD, BAD, UNKNOWN])
    const summary = await step!.run(await made.context(step!))
    expect(summary).toMatchObject({ rows: 3, counts: { qualified: 1, nurture: 1, disqualified: 1, changed: 3 } })
    expect(summary.text).toBe('3 scored  A 1 · B 0 · C 2 · 1 qualified, 1 nurture, 1 disqualified')
    const described = await made.connection.describe('select * from scoring.lead_scores')
    expect(described.map(({ name }) => name)).toEqual(Object.keys(LEAD_SCORES.columns))
    const rows = await made.connection.rows<Record<string, unknown>>(
      'select * from scoring.lead_scores order by lead_id',
    )
    expect(rows[0]).toMatchObject({
      tier: 'A',
      budget_signal: true,
      timeline_signal: true,
      owner: null,
      scored_at: '2026-01-31T00:00:00.000Z',
    })
    expect(rows[0]!.deal_brief).toContain('- **Acme**, SaaS. [^company]\n')
    expect(rows[1]).toMatchObject({ qualification_status: 'disqualified', deal_brief: null })
    const [version] = await made.connection.rows<Record<string, unknown>>('select * from raw.scoring__versions')
    expect(version).toMatchObject({ score_version: rows[0]!.score_version, first_used_at: '2026-01-31T00:00:00.000Z' })
    expect(Object.keys(JSON.parse(version!.cards as string))).toEqual([
      'scoring/scores/fit.yml',
      'scoring/scores/intent.yml',
      'scoring/qualification.yml',
    ])
  })

  it('records history only for the leads that changed, and keeps every version', async () => {
    const made = await worldWith([GOOD, BAD, UNKNOWN])
    const first = (await stepOf(project(), BRIEFLESS)).step!
    await first.run(await made.context(first))
    expect((await first.run(await made.context(first))).counts!.changed).toBe(0)
    await putFacts(made.connection, [{ ...GOOD, employee_count: 5 }, BAD, UNKNOWN])
    const other = (await stepOf(project({ 'scores/fit.yml': ['points: 25', 'points: 24'] }), BRIEFLESS)).step!
    expect(other.fingerprint).not.toBe(first.fingerprint)
    expect((await other.run(await made.context(other))).counts!.changed).toBe(3)
    const [counted] = await made.connection.rows<Record<string, unknown>>(
      'select count(*) as n, count(distinct score_version) as versions from raw.scoring__history',
    )
    expect(counted).toEqual({ n: 6, versions: 2 })
  })

  it('takes a comment, an example or a brief for what they are: no new version', async () => {
    const versionOf = async (root: string) => {
      const config = parseYaml('pipeline.yaml', 'scoring: {}', [])!
      return (await loadScoring(root, { scores: ['fit', 'intent'], brief: 'deal_brief' }, config, []))?.version
    }
    const version = await versionOf(project())
    expect(await versionOf(project({ 'scores/fit.yml': ['\nrules:', '\n# why\nrules:'] }))).toBe(version)
    expect(await versionOf(project({ 'briefs/deal_brief.en.md': ['## Company', '## Firm'] }))).toBe(version)
    expect(
      await versionOf(project({ 'qualification.yml': ['A: { A: A, B: A, C: B }', 'A: { A: A, B: B, C: B }'] })),
    ).not.toBe(version)
  })

  it('moving a threshold moves the leads between, and no score', async () => {
    const made = await worldWith([GOOD, BAD, UNKNOWN])
    const read = async (root: string) => {
      const { step } = await stepOf(root, BRIEFLESS)
      await step!.run(await made.context(step!))
      return made.connection.rows<{ score: number; tier: string }>(
        'select score, tier from scoring.lead_scores order by lead_id',
      )
    }
    const before = await read(project())
    const after = await read(project({ 'scores/fit.yml': ['band: A, from: 70', 'band: A, from: 99'] }))
    expect(after.map(({ score }) => score)).toEqual(before.map(({ score }) => score))
    expect([before[0]!.tier, after[0]!.tier]).toEqual(['A', 'B'])
  })

  it('refuses facts without a column that a card reads, naming the file and line', async () => {
    const { industry: _, ...without } = LEAD_FACTS
    const { step } = await stepOf(project())
    const made = await worldWith([], '2026-01-31', without)
    const failure = await step!.run(await made.context(step!)).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ProjectError)
    expect((failure as Error).message).toMatch(
      /scoring\/scores\/fit\.yml:\d+ {2}fit\.target_industry: when: int_lead_facts has no column 'industry'/,
    )
  })

  it('names a rule that fails on a value', async () => {
    const edit: [string, string] = [
      'when: employee_count < coalesce(0.5 * icp_employees_min, 0)',
      'when: title::integer < 10',
    ]
    const { step } = await stepOf(project({ 'scores/fit.yml': edit }))
    const made = await worldWith([GOOD])
    await expect(step!.run(await made.context(step!))).rejects.toThrow(
      /fit\.yml:\d+ {2}fit\.too_small: when: .*Could not convert string '…'/,
    )
  })

  it('does without a brief, and with one card', async () => {
    const { step } = await stepOf(
      project({ 'qualification.yml': ['columns: intent', 'columns: fit'] }),
      'scoring: { scores: [fit], brief: null }',
    )
    const made = await worldWith([GOOD])
    await step!.run(await made.context(step!))
    const rows = await made.connection.rows(
      'select deal_brief, intent_score, fit_score > 0 as fits from scoring.lead_scores',
    )
    expect(rows).toEqual([{ deal_brief: null, intent_score: null, fits: true }])
  })

  it('says which line names a card that is not there', async () => {
    const { step, problems } = await stepOf(
      project(),
      'scoring:\n  scores:\n    - fit\n    - intend\n  brief: dealbrief\n',
    )
    expect(step?.builds).toHaveLength(5)
    expect(problems).toEqual([
      'pipeline.yaml:4  scoring.scores: there is no scoring/scores/intend.yml\n  Did you mean intent?',
      'pipeline.yaml:5  scoring.brief: there is no scoring/briefs/dealbrief.<language>.md\n  Did you mean deal_brief?',
    ])
  })
})
