import { randomInt } from 'node:crypto'
import { NotAsked } from '../../pipeline/http.ts'
import { planRun } from '../../pipeline/plan.ts'
import { run } from '../../pipeline/run.ts'
import type { LedgerTable, Step, StepSummary } from '../../pipeline/step.ts'
import { load } from './project.ts'

// A process of its own, to be killed: `run` over a project whose one step buys an answer about each of n companies.
// node paid-run.mjs <project> <base_url> <companies>

const FOUND: LedgerTable = {
  source: 'finder',
  table: 'found',
  description: 'What was bought.',
  columns: { company: 'VARCHAR', employees: 'INTEGER' },
  key: ['company'],
  write: 'merge',
}
const AT_ONCE = 16
const BATCH = 50

const [root = '', base_url = '', companies = '0'] = process.argv.slice(2)

const step: Step = {
  name: 'finder__found',
  kind: 'resource',
  stage: 'enrichment',
  file: 'test/helpers/paid-run.ts',
  description: 'Buys.',
  reads: [],
  records: [FOUND],
  fingerprint: null,
  async run(context): Promise<StepSummary> {
    const limits = { concurrency: AT_ONCE }
    const http = context.http({ service: 'finder', base_url, limits, usd_per_credit: 0.01 })
    let rows = 0
    let in_doubt = 0
    const all = Array.from({ length: Number(companies) }, (_, n) => `company-${n}`)
    for (let start = 0; start < all.length; start += BATCH) {
      const asked = all.slice(start, start + BATCH).map(async (company) => {
        try {
          const answer = await http.send({ path: `/find/${company}`, credits: 1, field: 'headcount', ttl_days: 30 })
          return [answer.json() as object]
        } catch (error) {
          if (!(error instanceof NotAsked)) throw error
          in_doubt++
          return []
        }
      })
      const found = (await Promise.all(asked)).flat()
      rows += found.length
      await context.record(FOUND, [found])
    }
    return { rows, text: `${rows} bought, ${in_doubt} in doubt` }
  },
}

const project = await load(root, { steps: [step] })
const plan = planRun(project.graph, { select: [], exclude: [], kinds: new Set(['step', 'model']), stages: [] })
const now = () => new Date()
const result = await run({
  project,
  plan,
  command: 'run',
  call: 'pipeline run',
  as_of: now().toISOString().slice(0, 10),
  full_refresh: false,
  fail_fast: false,
  git_commit: null,
  listener: {},
  effects: {
    now,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    random: () => randomInt(1_000_000) / 1_000_000,
    signal: new AbortController().signal,
  },
})
process.stdout.write(JSON.stringify(result.results.map(({ status, message }) => ({ status, message }))))
process.exitCode = result.exit_code
