import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { DiffWorld, Side } from '../../../pipeline/diff/part.ts'
import { type Connection, type Database, openDatabase } from '../../../pipeline/warehouse/duckdb.ts'
import { CUT_OFFS, movedLeads } from '../../../scoring/moved-leads.ts'

let database: Database
let connection: Connection

beforeAll(async () => {
  database = await openDatabase({ threads: 1 })
  connection = await database.connect()
})
afterAll(() => {
  connection.close()
  database.close()
})

interface Lead {
  lead_id: string
  points: Record<string, number>
  tier: string
  status: string
}

const COLUMNS = {
  lead_id: 'VARCHAR',
  company_id: 'VARCHAR',
  contact_id: 'VARCHAR',
  tier: 'VARCHAR',
  qualification_status: 'VARCHAR',
  score: 'DOUBLE',
  reasons: 'STRUCT("rule" VARCHAR, points DECIMAL(9,4), because VARCHAR, evidence VARCHAR)[]',
}

const scoreOf = ({ points }: Lead) => Object.values(points).reduce((sum, n) => sum + n, 0)

/** Both sides as tables, and what the part makes of them. */
async function told(sides: Record<Side, readonly Lead[]>) {
  await connection.run(`
    create schema if not exists before; create schema if not exists after;
    drop schema if exists found cascade; create schema found`)
  for (const side of ['before', 'after'] as const) {
    const columns = Object.entries(COLUMNS).map(([name, type]) => `${name} ${type}`)
    await connection.run(`create or replace table ${side}.fct_scored_leads (${columns.join(', ')})`)
    const rows = sides[side].map((lead) => ({
      ...{ lead_id: lead.lead_id, tier: lead.tier, qualification_status: lead.status, score: scoreOf(lead) / 10_000 },
      ...{ company_id: 'c', contact_id: null },
      reasons: Object.entries(lead.points).map(([rule, n]) => ({
        rule,
        points: n / 10_000,
        because: '',
        evidence: null,
      })),
    }))
    await connection.insert(`${side}.fct_scored_leads`, COLUMNS, rows)
  }
  const world: DiffWorld = {
    connection,
    as_of: '2026-01-31',
    place: (name, side) => `found."${side}: ${name}"`,
    own: () => true,
    built: () => true,
    on: () => connection,
    relation: (side, mart) => `${side}.${mart}`,
    has: (_, mart) => mart === 'fct_scored_leads',
    differs: () => true,
    sameStep: () => false,
    spared: () => [],
    person: (column) => column,
    limit: 1_000,
  }
  return movedLeads.tell(world)
}

const RULES = ['fit.a', 'fit.b', 'fit.weight', 'intent.c']
const lead = fc.record({
  points: fc.dictionary(fc.constantFrom(...RULES), fc.integer({ min: -300_000, max: 300_000 })),
  tier: fc.constantFrom('A', 'B', 'C'),
  status: fc.constantFrom('qualified', 'nurture', 'disqualified'),
})
const leads = fc
  .dictionary(fc.constantFrom('l1', 'l2', 'l3', 'l4', 'l5', 'l6'), lead)
  .map((found) => Object.entries(found).map(([lead_id, rest]): Lead => ({ lead_id, ...rest })))

it('moved leads are those of a comparison by hand, and deltas per rule sum to that of the score, for every lead', async () => {
  await fc.assert(
    fc.asyncProperty(leads, leads, async (before, after) => {
      const { figures, tables } = await told({ before, after })
      const old = new Map(before.map((each) => [each.lead_id, each]))
      const both = after.flatMap((now) => (old.has(now.lead_id) ? [{ was: old.get(now.lead_id)!, now }] : []))
      const differ = (of: (each: Lead) => unknown) => both.filter(({ was, now }) => of(was) !== of(now))
      const count = (name: string) => figures[name]!.value
      expect(count('tier_changes')).toBe(differ(({ tier }) => tier).length)
      expect(count('tier_up') + count('tier_down')).toBe(count('tier_changes'))
      expect(count('status_changes')).toBe(differ(({ status }) => status).length)
      expect(count('score_changes')).toBe(differ(scoreOf).length)
      expect([count('leads_added'), count('leads_removed')]).toEqual([
        after.length - both.length,
        before.length - both.length,
      ])

      const moved = tables.find(({ name }) => name === 'moved')!.rows
      const expected = both.filter(({ was, now }) => was.tier !== now.tier || was.status !== now.status)
      expect(moved.map(({ lead_id }) => lead_id).sort()).toEqual(expected.map(({ now }) => now.lead_id).sort())
      for (const row of moved) {
        const { was, now } = expected.find((each) => each.now.lead_id === row.lead_id)!
        const up = was.tier === now.tier ? 0 : was.tier > now.tier ? 1 : -1
        const delta = scoreOf(now) - scoreOf(was)
        const own = RULES.map((rule) => (now.points[rule] ?? 0) - (was.points[rule] ?? 0))
        if (up !== 0 && up * delta <= 0) expect(row.moved_by).toBe(CUT_OFFS)
        if (up !== 0 && up * delta > 0)
          expect(up * own[RULES.indexOf(String(row.moved_by))]!).toBe(Math.max(...own.map((points) => up * points)))
      }

      const sums = await connection.rows<{ lead_id: string; delta: number }>(
        `select lead_id, cast(sum(delta) * 10000 as bigint) as delta from found."after: deltas" group by lead_id order by lead_id`,
      )
      const byLead = new Map(sums.map(({ lead_id, delta }) => [lead_id, delta]))
      for (const { was, now } of both) {
        if (was.tier === now.tier && was.status === now.status && scoreOf(was) === scoreOf(now)) continue
        expect(byLead.get(now.lead_id) ?? 0).toBe(scoreOf(now) - scoreOf(was))
      }
    }),
    { numRuns: 40 },
  )
})

it('a status that a rule decides is moved by that rule', async () => {
  const points = { 'fit.a': 500_000 }
  const { tables } = await told({
    before: [{ lead_id: 'l1', points, tier: 'B', status: 'nurture' }],
    after: [{ lead_id: 'l1', points: { ...points, 'status.not_icp': 0 }, tier: 'B', status: 'disqualified' }],
  })
  expect(tables.find(({ name }) => name === 'moved')!.rows).toMatchObject([{ moved_by: 'status.not_icp', deltas: [] }])
})
