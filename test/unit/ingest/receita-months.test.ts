import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { icpSchema } from '../../../ingest/icp.ts'
import receita from '../../../ingest/providers/receita_federal.ts'
import type { Step, StepSummary } from '../../../pipeline/step.ts'
import { columnsOf } from '../../../pipeline/table.ts'
import { cnpjOf, establishment, line } from '../../helpers/receita-defects.ts'
import { generateReceita, writeZip } from '../../helpers/receita-generator.ts'
import { type TestWorld, world } from '../../helpers/world.ts'

const ICP = icpSchema.parse({
  version: 1,
  profiles: { br: { description: 'Software', hard: { countries: ['BR'], states: ['SP'] }, personas: [{ name: 'a' }] } },
})
const ROOTS = { closed: 'AA000001', moved: 'AA000002', stays: 'AA000003', never: 'AA000004', gone: 'AA000005' }
const records: Step['records'] = Object.entries(receita.resources).map(([table, { row, key, write, description }]) => {
  return { source: 'receita_federal', table, columns: columnsOf(row), key, write, description, bulk: true }
})
const step: Step = {
  name: 'receita_federal',
  kind: 'resource',
  stage: 'discovery',
  file: 'ingest/providers/receita_federal.ts',
  description: '',
  reads: [],
  records,
  fingerprint: null,
  run: () => Promise.reject(new Error('not used')),
}

let lookups: string
beforeAll(async () => {
  lookups = mkdtempSync(join(tmpdir(), 'lead-engine-months-'))
  await generateReceita({ folder: lookups, companies: 1, parts: 1, extracted: 'D60613' })
})
let w: TestWorld | undefined
afterEach(() => w?.close())

type Change = Record<number, string> | null
const cnpj = (root: string) => cnpjOf(root, '0001')

/** A month with one establishment and one company of each root, changed as said; null: not there. */
async function month(home: string, name: string, date: string, changes: Record<string, Change>): Promise<void> {
  const folder = join(home, name)
  mkdirSync(folder, { recursive: true })
  cpSync(lookups, folder, { recursive: true })
  const there = Object.values(ROOTS).filter((root) => changes[root] !== null)
  const companies = there.map((root) => line(root, `COMPANY ${root} LTDA`, '2062', '49', '1000,00', '01', ''))
  const shops = there.map((root) => line(...establishment(cnpj(root), changes[root] ?? {})))
  await writeZip(join(folder, 'Empresas0.zip'), `K3241.K03200Y0.${date}.EMPRECSV`, companies)
  await writeZip(join(folder, 'Estabelecimentos0.zip'), `K3241.K03200Y0.${date}.ESTABELE`, shops)
}

async function land(home: string, one: string, settings: object = {}): Promise<StepSummary> {
  const context = await w!.context(step)
  const parsed = receita.settings.parse({ path: home, month: one, keep_months: 3, ...settings })
  return receita.bulk!.land({ ...context, settings: parsed, icp: ICP })
}

async function inWorld(): Promise<TestWorld> {
  w = await world()
  await w.connection.run(
    'create schema seeds; create table seeds.cnae_industries (cnae_prefix varchar, industry varchar)',
  )
  return w
}
const landed = async (table: string, columns: string) =>
  w!.connection.rows(`select ${columns} from raw.receita_federal__${table} order by all`)

describe('a month after another', () => {
  it('lands what became of the rows of the one before, whatever the filter says of them now, and nothing else', async () => {
    await inWorld()
    const home = mkdtempSync(join(tmpdir(), 'lead-engine-months-'))
    const { closed, moved, stays, never, gone } = ROOTS
    await month(home, '2026-07', 'D60711', { [never]: { 5: '08' } })
    await month(home, '2026-08', 'D60808', {
      [closed]: { 5: '08', 6: '20260720' },
      [moved]: { 19: 'RJ', 20: '6001' },
      [never]: { 5: '08', 6: '20260720' },
      [gone]: null,
    })
    await land(home, '2026-07')
    expect(await landed('estabelecimentos', 'cnpj')).toEqual(
      [closed, moved, stays, gone].map((root) => ({ cnpj: cnpj(root) })),
    )
    await land(home, '2026-08')
    expect(await landed('estabelecimentos', 'cnpj, situacao_cadastral as status, uf')).toEqual([
      { cnpj: cnpj(closed), status: '08', uf: 'SP' },
      { cnpj: cnpj(moved), status: '02', uf: 'RJ' },
      { cnpj: cnpj(stays), status: '02', uf: 'SP' },
    ])
    expect(await landed('empresas', 'cnpj_basico as root')).toEqual([closed, moved, stays].map((root) => ({ root })))
    rmSync(home, { recursive: true })
  })

  it('follows a company that its size or capital now rules out, too, and nobody by another filter', async () => {
    await inWorld()
    const home = mkdtempSync(join(tmpdir(), 'lead-engine-months-'))
    await month(home, '2026-07', 'D60711', {})
    await month(home, '2026-08', 'D60808', { [ROOTS.closed]: { 5: '08' } })
    const small = { only: { porte: ['01'] } }
    await land(home, '2026-07', small)
    const folder = join(home, '2026-08')
    const grown = Object.values(ROOTS).map((root) =>
      line(root, `COMPANY ${root} LTDA`, '2062', '49', '1000,00', '05', ''),
    )
    await writeZip(join(folder, 'Empresas0.zip'), 'K3241.K03200Y0.D60808.EMPRECSV', grown)
    await land(home, '2026-08', small)
    expect(await landed('empresas', 'porte')).toEqual(Object.values(ROOTS).map(() => ({ porte: '05' })))
    await land(home, '2026-08', { only: { porte: ['05'] } })
    expect(await landed('estabelecimentos', 'cnpj')).toEqual(
      Object.values(ROOTS)
        .filter((root) => root !== ROOTS.closed)
        .map((root) => ({ cnpj: cnpj(root) })),
    )
    rmSync(home, { recursive: true })
  })
})

describe('a field of nearly a megabyte', () => {
  it('lands whole; one beyond the longest row costs that row alone', async () => {
    await inWorld()
    const home = mkdtempSync(join(tmpdir(), 'lead-engine-months-'))
    const { closed: long, moved: longer } = ROOTS
    const size = 1_000_000
    await month(home, '2026-07', 'D60711', {
      [long]: { 16: 'x'.repeat(size) },
      [longer]: { 16: 'y'.repeat(2 * size) },
    })
    const { counts } = await land(home, '2026-07')
    expect(await landed('estabelecimentos', 'length(complemento) as length')).toEqual([
      { length: size },
      ...Array.from({ length: 3 }, () => ({ length: null })),
    ])
    expect(counts).toMatchObject({ rejected: 1, estabelecimentos: 4 })
    rmSync(home, { recursive: true })
  })
})
