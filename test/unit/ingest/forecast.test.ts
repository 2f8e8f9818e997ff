import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import type { SwitchedOn } from '../../../ingest/catalogue.ts'
import type { PageContext } from '../../../ingest/define.ts'
import { icpPlans } from '../../../ingest/forecast.ts'
import { icpSchema } from '../../../ingest/icp.ts'
import type { PlanWorld } from '../../../pipeline/plan-part.ts'
import type { Row } from '../../../pipeline/warehouse/duckdb.ts'
import { type ModelWorld, modelWorld } from '../../helpers/models.ts'

const ICP = `version: 1
profiles:
  br:
    description: Brazil
    hard:
      countries: [BR]
      states: [SP, RJ]
      employees: { min: 50 }
      funding_stages: [seed]
    soft:
      states: [SP, RJ, MG]
      founded: { min: 1990 }
exclude:
  domains: [acme.com.br]
  industries: [government]
`
const COLUMNS = {
  company_id: 'VARCHAR',
  name: 'VARCHAR',
  domain: 'VARCHAR',
  cnpj_root: 'VARCHAR',
  country: 'VARCHAR',
  state: 'VARCHAR',
  industry: 'VARCHAR',
  cnae_code: 'VARCHAR',
  employee_count: 'INTEGER',
  revenue_usd: 'DOUBLE',
  founded_year: 'INTEGER',
  funding_stage: 'VARCHAR',
  tech_stack: 'VARCHAR[]',
}

const root = mkdtempSync(join(tmpdir(), 'lead-engine-plan-'))
const path = join(root, 'ingest/icp.yaml')
let m: ModelWorld
beforeAll(async () => {
  mkdirSync(join(root, 'ingest'))
  writeFileSync(path, ICP)
  m = await modelWorld()
})
afterAll(() => {
  m.close()
  rmSync(root, { recursive: true })
})

async function told(rows: Row[], listing: SwitchedOn[] = []) {
  await m.give({ 'intermediate.int_companies_merged': { columns: COLUMNS, rows } })
  const world = {
    connection: m.connection,
    has: () => true,
    as_of: '2026-11-22',
    root,
    live: [],
    http: (({ service }: { service: string }) => ({ service })) as unknown as PlanWorld['http'],
    signal: new AbortController().signal,
  }
  const parts = icpPlans(icpSchema.parse(parse(ICP)), path, listing)
  return new Map(await Promise.all(parts.map(async (part) => [part.name, await part.tell(world)] as const)))
}

const company = (n: number, more: Row = {}): Row => ({
  company_id: `c${n}`,
  name: `C${n}`,
  country: 'BR',
  state: 'SP',
  employee_count: 60,
  industry: 'software',
  founded_year: 2000,
  ...more,
})

it('counts the market by profile, state and size, and leaves out what is ruled out', async () => {
  const sections = await told([
    company(1, { funding_stage: 'Seed' }),
    company(2),
    company(3, { state: 'RJ', employee_count: null }),
    company(4, { state: 'AC' }),
    company(5, { domain: 'acme.com.br' }),
  ])
  const { figures, tables } = sections.get('market')!
  expect(figures).toEqual({ companies: 3, known_to_fit: 1 })
  expect(tables![0]!.rows).toEqual([{ profile: 'br', fit: 1, could_fit: 2, ruled_out: 2 }])
  expect(tables![1]!.rows).toEqual([
    { country: 'BR', state: 'SP', employees: '50-249', companies: 2, known_to_fit: 1 },
    { country: 'BR', state: 'RJ', employees: 'unknown', companies: 1, known_to_fit: 0 },
  ])
})

it('names the rules that match nothing or everything, with their lines', async () => {
  const sections = await told([company(1, { employee_count: 5 }), company(2, { employee_count: 6, state: 'AC' })])
  const line = (text: string) => ICP.split('\n').findIndex((one) => one.trimStart().startsWith(text)) + 1
  const found = sections.get('icp_rules')!.findings!
  expect(found.map(({ file, line: at, message }) => [file, at, message])).toEqual([
    [
      'ingest/icp.yaml',
      line('countries'),
      expect.stringMatching(/^profiles\.br\.hard\.countries: matches everything: all 2/),
    ],
    ['ingest/icp.yaml', line('employees'), expect.stringMatching(/^profiles\.br\.hard\.employees: matches nothing/)],
    [
      'ingest/icp.yaml',
      line('funding_stages'),
      expect.stringMatching(/hard\.funding_stages: nothing is known to judge it by/),
    ],
    ['ingest/icp.yaml', line('founded'), expect.stringMatching(/^profiles\.br\.soft\.founded: matches everything/)],
    ['ingest/icp.yaml', line('domains'), expect.stringMatching(/^exclude\.domains: matches nothing: none of 2/)],
    ['ingest/icp.yaml', line('industries'), expect.stringMatching(/^exclude\.industries: matches nothing/)],
    [
      'ingest/icp.yaml',
      line('states: [SP, RJ, MG]'),
      expect.stringMatching(/soft\.states: matches everything that passes hard/),
    ],
  ])
})

it('asks providers that can tell for free how many they have; one that fails is said', async () => {
  const provider = (
    name: string,
    count?: (context: PageContext<Record<string, unknown>>) => Promise<number>,
  ): SwitchedOn => ({
    name,
    version: '1',
    settings: { seed: 7 },
    provider: {
      title: name,
      docs: '',
      settings: z.strictObject({}),
      resources: {},
      ...(count === undefined ? {} : { count }),
    },
  })
  const seen: unknown[] = []
  const sections = await told(
    [company(1)],
    [
      provider('one', async ({ settings, http, as_of }) => {
        seen.push(settings, http, as_of)
        return 1234
      }),
      provider('silent'),
      provider('down', () => Promise.reject(new Error('503 at /count'))),
    ],
  )
  expect(seen).toEqual([{ seed: 7 }, { service: 'one' }, '2026-11-22'])
  expect(sections.get('provider_counts')).toMatchObject({
    figures: { one: 1234 },
    tables: [
      {
        rows: [
          { provider: 'one', companies: 1234 },
          { provider: 'down', companies: null, why_not: '503 at /count' },
        ],
      },
    ],
  })
  expect((await told([company(1)], [provider('silent')])).has('provider_counts')).toBe(false)
})

it('has nothing to say of rules where no company is known', async () => {
  const sections = await told([])
  expect(sections.get('icp_rules')!.findings!.map(({ message }) => message)).toEqual([
    'profiles.br.soft.states: matches everything that passes hard.states',
  ])
})
