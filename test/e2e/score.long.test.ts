import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { pipeline, projectCopy } from '../helpers/cli.ts'

const TIMEOUT = 180_000
const FIT = 'scoring/scores/fit.yml'
const CONFIG = `name: lead_engine
target: dev
targets:
  dev: { warehouse: data/warehouse.duckdb, ledger: data/ledger.duckdb, exports: data/exports, threads: 2 }
discovery: { icp: ingest/icp.yaml, providers: { mock: { seed: 7, companies: 12 } } }
enrichment: { providers: { mock: {} }, waterfall: {} }
scoring: { scores: [fit, intent] }
models:
  staging: { materialized: view }
  intermediate: { materialized: table }
  marts: { materialized: table }
`

let root: string
let lead: { lead_id: string; tier: string; score: number }

interface Scored {
  lead_id: string
  tier: string
  score: number
  status: string
  because: string[]
}

async function leads(): Promise<Scored[]> {
  const sql =
    'select lead_id, tier, score, qualification_status as status, list_transform(reasons, lambda r: r.because) as because from marts.fct_scored_leads order by score desc, lead_id'
  const { stdout } = await pipeline(root, ['show', '--output', 'json', '--limit', '1000', '--inline', sql])
  return (JSON.parse(stdout) as { show: Scored[] }).show
}

const run = async (...more: string[]) => {
  const { code, stderr } = await pipeline(root, ['run', '--quiet', ...more])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
}

describe('pipeline score', () => {
  beforeAll(async () => {
    root = projectCopy({ 'pipeline.yaml': CONFIG })
    await run()
    lead = (await leads()).find(({ tier }) => tier !== 'A')!
  }, TIMEOUT)

  it(
    'override: the next run takes it in, and says until when and why; what it ends comes back',
    async () => {
      const before = await leads()
      const said = ['--tier', 'a', '--reason', 'met at the fair', '--until', '2999-12-31']
      expect((await pipeline(root, ['score', 'override', lead.lead_id, ...said])).code).toBe(0)
      expect(readdirSync(join(root, 'data/incoming'))).toHaveLength(1)
      await run()
      expect(readdirSync(join(root, 'data/incoming')).filter((file) => file.endsWith('.json'))).toEqual([])
      const after = await leads()
      const now = after.find(({ lead_id }) => lead_id === lead.lead_id)!
      expect(now).toMatchObject({ tier: 'A', status: 'qualified', score: lead.score })
      expect(now.because).toContain('tier set to A until 2999-12-31: met at the fair')
      const others = (all: Scored[]) => all.filter(({ lead_id }) => lead_id !== lead.lead_id)
      expect(others(after)).toEqual(others(before))

      const cleared = await pipeline(root, ['score', 'override', lead.lead_id, '--clear', '--reason', 'a mistake'])
      expect(cleared.code).toBe(0)
      await run()
      expect(await leads()).toEqual(before)
    },
    TIMEOUT,
  )

  it('override: refuses what is not clear, and leaves nothing behind', async () => {
    for (const said of [['--tier', 'A'], ['--score', '50', '--clear'], []]) {
      const { code } = await pipeline(root, ['score', 'override', lead.lead_id, '--reason', 'why', ...said])
      expect(code).toBe(2)
    }
    expect(readdirSync(join(root, 'data/incoming')).filter((file) => file.endsWith('.json'))).toEqual([])
  })

  it(
    'list and revert: the files of a version come back byte for byte, and with them its scores',
    async () => {
      const [scores, text] = [await leads(), readFileSync(join(root, FIT), 'utf8')]
      const listed = async () =>
        JSON.parse((await pipeline(root, ['score', 'list', '--output', 'json'])).stdout) as {
          score_version: string
          differs: number
        }[]
      const [first] = await listed()
      expect(await listed()).toEqual([{ ...first, differs: 0 }])
      writeFileSync(join(root, FIT), `# changed\n${text.replace(/(rule: backed\n\s+points: )5\b/, '$120')}`)
      await run()
      expect(await leads()).not.toEqual(scores)
      const [second, kept] = await listed()
      expect([kept!.score_version, second!.score_version === first!.score_version]).toEqual([
        first!.score_version,
        false,
      ])
      expect(kept!.differs).toBeGreaterThan(0)

      const edited = readFileSync(join(root, FIT), 'utf8')
      const dry = await pipeline(root, ['score', 'revert', first!.score_version.slice(0, 6), '--dry-run'])
      expect(dry.stderr).toContain('rules.backed.points: 20 → 5')
      expect(readFileSync(join(root, FIT), 'utf8')).toBe(edited)

      expect((await pipeline(root, ['score', 'revert', first!.score_version])).code).toBe(0)
      expect(readFileSync(join(root, FIT), 'utf8')).toBe(text)
      expect(readdirSync(join(root, 'scoring/scores')).filter((file) => file.startsWith('.'))).toEqual([])
      await run()
      expect(await leads()).toEqual(scores)
      const unknown = await pipeline(root, ['score', 'revert', 'nothing'])
      expect([unknown.code, existsSync(join(root, FIT))]).toEqual([2, true])
    },
    TIMEOUT,
  )
})
