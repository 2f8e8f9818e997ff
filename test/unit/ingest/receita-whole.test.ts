import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { icpSchema } from '../../../ingest/icp.ts'
import receita from '../../../ingest/providers/receita_federal.ts'
import { codeRoot } from '../../../pipeline/code-root.ts'
import { Interrupted } from '../../../pipeline/errors.ts'
import type { Step, StepContext, StepSummary } from '../../../pipeline/step.ts'
import { columnsOf } from '../../../pipeline/table.ts'
import { generateReceita } from '../../helpers/receita-generator.ts'
import { type TestWorld, world } from '../../helpers/world.ts'

const step: Step = {
  name: 'receita_federal',
  kind: 'resource',
  stage: 'discovery',
  file: 'ingest/providers/receita_federal.ts',
  description: '',
  reads: [],
  records: Object.entries(receita.resources).map(([table, { row, key, write, description }]) => {
    return { source: 'receita_federal', table, columns: columnsOf(row), key, write, description, bulk: true }
  }),
  fingerprint: null,
  run: () => Promise.reject(new Error('not used')),
}
const TABLES = ['estabelecimentos', 'empresas', 'socios', 'simples', 'motivos']
const profile = (hard: object) => ({ description: '', hard: { countries: ['BR'], ...hard }, personas: [{ name: 'a' }] })

let folder: string
let open: TestWorld[] = []
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lead-engine-whole-'))
  await generateReceita({ folder, companies: 100, defects: true, alphanumeric: 0.2 })
  return () => rmSync(folder, { recursive: true })
})
afterEach(() => {
  for (const one of open) one.close()
  open = []
})

async function inWorld(): Promise<{ w: TestWorld; context: StepContext }> {
  const w = await world()
  const seed = join(codeRoot(), 'seeds/cnae_industries.csv')
  await w.connection.run(
    `create schema seeds; create table seeds.cnae_industries as select * from read_csv('${seed}', header = true, all_varchar = true)`,
  )
  open.push(w)
  return { w, context: await w.context(step) }
}

function land(context: StepContext, path: string, hard: object[], settings: object = {}): Promise<StepSummary> {
  const profiles = Object.fromEntries(hard.map((rules, index) => [`p${index}`, profile(rules)]))
  const parsed = receita.settings.parse({ path, land_whole: true, ...settings })
  return receita.bulk!.land({ ...context, settings: parsed, icp: icpSchema.parse({ version: 1, profiles }) })
}

async function landed(w: TestWorld): Promise<Record<string, unknown[]>> {
  const all: Record<string, unknown[]> = {}
  for (const table of TABLES) {
    const columns = '* exclude (_fetched_at, _run_id, _load)'
    all[table] = await w.connection.rows(`select ${columns} from raw.receita_federal__${table} order by all`)
  }
  return all
}

/** Copies of the zips with nothing but their names and directories intact: whoever reads a row of them fails. */
function hollowZips(): string {
  const hollow = mkdtempSync(join(tmpdir(), 'lead-engine-hollow-'))
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, name))
    const directory = bytes.readUInt32LE(bytes.length - 6)
    bytes.fill(0, 30 + bytes.readUInt16LE(26) + bytes.readUInt16LE(28), directory)
    writeFileSync(join(hollow, name), bytes)
  }
  return hollow
}

describe('a month that has landed whole', () => {
  it('serves other ICPs without a byte of the zips: the same rows as reading those would land', async () => {
    const { w, context } = await inWorld()
    const first = await land(context, folder, [{ states: ['SP'], cnae: ['62'] }])
    expect(first.counts!.rejected).toBeGreaterThan(0)
    const hollow = hollowZips()
    const icps: [object[], object][] = [
      [[{ states: ['RJ', 'MG'], cnae: ['5611201', '49'] }], {}],
      [[{ industries: ['software', 'saas'] }, { states: ['BA'], porte: ['05'] }], {}],
      [
        [{ naturezas: ['206'], capital: { min: 10 }, municipios: ['7107', '9701'] }],
        { only: { situacao: ['02', '08'] } },
      ],
      [[{}], {}],
    ]
    for (const [hard, settings] of icps) {
      const other = await inWorld()
      await land(other.context, folder, hard, { ...settings, land_whole: false })
      const again = await land(context, hollow, hard, settings)
      const expected = await landed(other.w)
      expect(again.failures).toEqual([])
      expect(again.text).toContain('from the landing of the whole month')
      expect(expected.estabelecimentos!.length).toBeGreaterThan(5)
      expect(await landed(w)).toEqual(expected)
    }
    await land(context, hollow, [{ countries: ['US'] }])
    expect((await landed(w)).estabelecimentos).toEqual([])
    rmSync(hollow, { recursive: true })
  })

  it('lies in folders by state, and reads only those that an ICP asks for', async () => {
    const { w, context } = await inWorld()
    await land(context, folder, [{ states: ['SP'] }])
    const home = join(context.paths.data, 'landing/receita_federal/2026-08-08/estabelecimentos')
    const states = readdirSync(home).sort()
    expect(states).toEqual(expect.arrayContaining(['uf=BA', 'uf=EX', 'uf=RJ', 'uf=SP']))
    for (const state of states) if (!['uf=SP', 'uf=RJ'].includes(state)) rmSync(join(home, state), { recursive: true })
    await land(context, folder, [{ states: ['RJ', 'SP'] }])
    const [{ ufs } = { ufs: '' }] = await w.connection.rows<{ ufs: string }>(
      `select string_agg(distinct uf, ',' order by uf) as ufs from raw.receita_federal__estabelecimentos where uf is not null`,
    )
    expect(ufs).toBe('RJ,SP')
  })

  it('goes on where it was stopped, and what was read of damaged zips serves nobody else', async () => {
    const { context } = await inWorld()
    const stop = new AbortController()
    const progress = (text: string) => text.startsWith('Socios0') && stop.abort()
    const rules = [{ states: ['SP'] }]
    await expect(land({ ...context, progress, signal: stop.signal }, folder, rules)).rejects.toThrow(Interrupted)
    const seen = new Set<string>()
    const noting = (text: string) => seen.add(text.split('.zip')[0]!)
    await land({ ...context, progress: noting }, folder, [{ states: ['RJ'] }])
    expect([...seen].filter((zip) => /^(Est|Emp)\w+\d$/.test(zip))).toEqual([])
    const broken = await inWorld()
    const copy = hollowZips()
    for (const name of ['Empresas0.zip', 'Estabelecimentos0.zip', 'Estabelecimentos1.zip'])
      writeFileSync(join(copy, name), readFileSync(join(folder, name)))
    expect((await land(broken.context, copy, rules)).failures).not.toEqual([])
    expect(readdirSync(join(broken.context.paths.data, 'landing/receita_federal'))).toEqual([])
    rmSync(copy, { recursive: true })
  })
})
