import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openDatabase, type Row } from '../../pipeline/warehouse/duckdb.ts'
import { pipeline, projectCopy } from '../helpers/cli.ts'
import { line } from '../helpers/receita-defects.ts'
import { companyOf, generateReceita, writeZip } from '../helpers/receita-generator.ts'

const COMPANIES = 24
const ICP = `version: 1
profiles:
  anybody:
    description: Every active company of six states
    hard: { countries: [BR], states: [SP, RJ, DF, MG, BA, RS] }
`

async function rows(root: string, sql: string): Promise<Row[]> {
  const database = await openDatabase({ path: realpathSync(join(root, 'data/warehouse.duckdb')), read_only: true })
  const connection = await database.connect()
  const found = await connection.rows(sql)
  connection.close()
  database.close()
  return found
}

it('a second month: what changed is a signal of its company, once, also when the first month has gone', async () => {
  const root = projectCopy({ 'ingest/icp.yaml': ICP })
  const config = readFileSync(join(root, 'pipeline.yaml'), 'utf8')
    .replace('mock: { seed: 7, companies: 40 }', 'receita_federal: { path: data/receita, keep_months: 2 }')
    .replace('providers: { mock: {} }', 'providers: {}')
    .replace(/waterfall: \{.*\}/, 'waterfall: {}')
  writeFileSync(join(root, 'pipeline.yaml'), config)
  const month = async (name: string, extracted: string, capital: string) => {
    const folder = join(root, 'data/receita', name)
    await generateReceita({ folder, companies: COMPANIES, parts: 1, extracted })
    const companies = Array.from({ length: COMPANIES }, (_, index) => companyOf(index))
    const texts = companies.map(({ root: cnpj, name: title, mei }, index) =>
      line(cnpj, title, mei ? '2135' : '2062', '49', index % 2 === 0 ? capital : '10000,00', '05', ''),
    )
    await writeZip(join(folder, 'Empresas0.zip'), `K3241.K03200Y0.${extracted}.EMPRECSV`, texts)
    const run = await pipeline(root, ['run', '--as-of', '2026-11-20'])
    expect(run.stderr).not.toContain('failed')
    expect(run.code).toBe(0)
    return run.stderr
  }
  const signals = () =>
    rows(
      root,
      `select companies.cnpj[:8] as cnpj_root, kind, evidence, observed_at, signals.source, half_life_days, strength,
        row_before ->> 'capital_social' as capital_before, row_after ->> 'capital_social' as capital_after
      from marts.fct_buying_signals as signals join marts.dim_companies as companies using (company_id) order by all`,
    )
  expect(await month('2026-06', 'D60613', '10000,00')).toContain('no two months to compare yet')
  expect(await signals()).toEqual([])
  expect(await month('2026-07', 'D60711', '50000,00')).toMatch(/2026-07-11: changed: \d+ empresas/)
  const expected = Array.from({ length: COMPANIES }, (_, index) => ({ index, ...companyOf(index) }))
    .filter(({ index, active }) => active && index % 2 === 0)
    .map(({ root: cnpj_root }) => ({
      cnpj_root,
      kind: 'capital_changed',
      evidence: 'capital from 10000.00 to 50000.00 BRL',
      observed_at: '2026-07-11',
      source: 'receita_federal',
      half_life_days: 180,
      strength: Number((0.5 ** (132 / 180)).toFixed(4)),
      capital_before: '10000.0',
      capital_after: '50000.0',
    }))
    .sort((a, b) => (a.cnpj_root < b.cnpj_root ? -1 : 1))
  expect(expected.length).toBeGreaterThan(2)
  expect(await signals()).toEqual(expected)
  const [lead] = await rows(
    root,
    `select distinct buying_signals from marts.fct_enriched_leads where len(buying_signals) > 0`,
  )
  expect(lead!.buying_signals).toEqual([
    {
      kind: 'capital_changed',
      observed_at: '2026-07-11',
      evidence: 'capital from 10000.00 to 50000.00 BRL',
      source: 'receita_federal',
      strength: expected[0]!.strength,
    },
  ])
  expect(await month('2026-08', 'D60808', '50000,00')).toContain('2026-08-08: nothing changed')
  expect(await signals()).toEqual(expected)
  const again = await pipeline(root, ['run', '--as-of', '2026-11-20'])
  expect(again.stderr).toContain('nothing was done twice')
}, 180_000)
