import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { codeRoot } from '../../pipeline/code-root.ts'
import { openDatabase } from '../../pipeline/warehouse/duckdb.ts'
import { pipeline, projectCopy } from '../helpers/cli.ts'

const LONG = 120_000
const ICP = `version: 1
profiles:
  public_software:
    description: Software houses of Brasília
    hard: { countries: [BR], states: [DF, SP], cnae: ["62", "9430800"] }
    personas:
      - { name: leader, titles: [Presidente, Diretor], seniorities: [c_level, director, owner], departments: [] }
`

/** Our project on real (tiny) files in the official layout, with an ICP that matches them. */
function receitaProject(): string {
  const root = projectCopy({ 'ingest/icp.yaml': ICP })
  const config = readFileSync(join(root, 'pipeline.yaml'), 'utf8')
  writeFileSync(
    join(root, 'pipeline.yaml'),
    config
      .replace('mock: { seed: 7, companies: 40 }', 'receita_federal: { path: data/receita }')
      .replace('providers: { mock: {} }', 'providers: {}')
      .replace(/waterfall: \{.*\}/, 'waterfall: {}'),
  )
  const folder = join(root, 'data/receita')
  mkdirSync(folder, { recursive: true })
  const fixtures = join(codeRoot(), 'test/fixtures/receita')
  for (const name of readdirSync(fixtures).filter((file) => file.endsWith('.zip')))
    copyFileSync(join(fixtures, name), join(folder, name))
  return root
}

async function rows(root: string, sql: string): Promise<Record<string, unknown>[]> {
  const database = await openDatabase({ path: realpathSync(join(root, 'data/warehouse.duckdb')), read_only: true })
  const connection = await database.connect()
  const found = await connection.rows(sql)
  connection.close()
  database.close()
  return found
}

// One project, from test to test: what was built before is not built again.
describe('pipeline run on real Receita Federal files', () => {
  const root = receitaProject()
  afterAll(() => rmSync(root, { recursive: true }))

  it(
    'goes to the end: companies, partners as contacts, leads, scores, a plan for the CRM',
    async () => {
      const { code, stderr } = await pipeline(root, ['run', '--as-of', '2026-11-20'])
      expect(stderr).not.toContain('failed')
      expect(code).toBe(0)
      const companies = await rows(
        root,
        'select cnpj, name, state, city, industry, is_icp_match, sources from marts.dim_companies order by cnpj',
      )
      expect(companies).toContainEqual(
        expect.objectContaining({
          cnpj: '33683111000280',
          state: 'DF',
          is_icp_match: true,
          sources: ['receita_federal'],
        }),
      )
      expect(String(companies.find(({ cnpj }) => cnpj === '33683111000280')!.name)).toContain('SERPRO')
      const contacts = await rows(root, 'select full_name, title from marts.dim_contacts order by full_name')
      expect(contacts.length).toBeGreaterThan(3)
      expect(contacts.map(({ title }) => title)).toContain('Diretor')
      expect((await rows(root, 'select lead_id from marts.fct_scored_leads')).length).toBeGreaterThan(3)
      expect(
        (await rows(root, `select record_id from marts.fct_crm_syncs where status = 'planned'`)).length,
      ).toBeGreaterThan(3)
      const again = await pipeline(root, ['run', '--as-of', '2026-11-20'])
      expect(again.stderr).toContain('nothing was done twice')
    },
    LONG,
  )

  it(
    'a truncated zip: exit 1, the file named, nothing lost; mended, the next run goes on',
    async () => {
      const contacts = async () => rows(root, 'select full_name from marts.dim_contacts order by full_name')
      const before = await contacts()
      const zip = join(root, 'data/receita/Socios0.zip')
      const whole = readFileSync(zip)
      truncateSync(zip, Math.floor(statSync(zip).size * 0.6))
      const broken = await pipeline(root, ['run', '--as-of', '2026-11-20'])
      expect(broken.code).toBe(1)
      expect(broken.stderr).toContain('Socios0.zip')
      expect(await contacts()).toEqual(before)
      writeFileSync(zip, whole)
      const mended = await pipeline(root, ['run', '--as-of', '2026-11-20'])
      expect(mended.stderr).not.toContain('failed')
      expect(mended.code).toBe(0)
      expect(await contacts()).toEqual(before)
    },
    LONG,
  )

  it(
    'says so when invented answers would be attached to real companies',
    async () => {
      const config = readFileSync(join(root, 'pipeline.yaml'), 'utf8')
      const mocked = config
        .replace('providers: {}', 'providers: { mock: {} }')
        .replace('waterfall: {}', 'waterfall: { news: [mock] }')
      writeFileSync(join(root, 'pipeline.yaml'), mocked)
      const { code, stderr } = await pipeline(root, ['run', '--as-of', '2026-11-20'])
      expect(code).toBe(0)
      expect(stderr).toContain('WARNING: mock invents this')
    },
    LONG,
  )

  it(
    'a folder that is not there: exit 2, with the setting to mend',
    async () => {
      rmSync(join(root, 'data/receita'), { recursive: true })
      const { code, stderr } = await pipeline(root, ['run'])
      expect(code).toBe(2)
      expect(stderr).toContain('data/receita')
    },
    LONG,
  )
})
