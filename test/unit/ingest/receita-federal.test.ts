import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { isCnpj } from '../../../ingest/cnpj.ts'
import { icpSchema } from '../../../ingest/icp.ts'
import receita from '../../../ingest/providers/receita_federal.ts'
import { codeRoot } from '../../../pipeline/code-root.ts'
import { CheckFailed, Interrupted, ProjectError } from '../../../pipeline/errors.ts'
import type { Step, StepContext, StepSummary } from '../../../pipeline/step.ts'
import { columnsOf } from '../../../pipeline/table.ts'
import type { Row } from '../../../pipeline/warehouse/duckdb.ts'
import { establishment, line, ODD_CNPJ, ODD_ROOT } from '../../helpers/receita-defects.ts'
import { type Company, companyOf, generateReceita, type Truth, writeZip } from '../../helpers/receita-generator.ts'
import { type TestWorld, world } from '../../helpers/world.ts'

const fixtures = fileURLToPath(new URL('../../fixtures/receita', import.meta.url))
const shared = fileURLToPath(new URL('../../../../shared/data/receita/minha-receita-testdata', import.meta.url))
const temporary = (name: string) => mkdtempSync(join(tmpdir(), `lead-engine-${name}-`))

const SOFTWARE = {
  br: { description: 'Software', hard: { countries: ['BR'], cnae: ['62'] }, personas: [{ name: 'owner' }] },
}
const ANYONE = { all: { description: 'All', hard: {}, personas: [{ name: 'owner' }] } }

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

let open: TestWorld[] = []
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

function land(
  context: StepContext,
  path: string,
  profiles: object = SOFTWARE,
  settings: object = {},
): Promise<StepSummary> {
  const icp = icpSchema.parse({ version: 1, profiles })
  return receita.bulk!.land({ ...context, settings: receita.settings.parse({ path, ...settings }), icp })
}

const raw = (w: TestWorld, table: string, rest = '') =>
  w.connection.rows(`select * exclude (_fetched_at, _run_id, _load) from raw.receita_federal__${table} ${rest}`)
const rejectsOf = (w: TestWorld) => w.connection.rows<Row>('select * from _ledger.log.rejects order by file, line')
const landings = (w: TestWorld) => w.connection.rows<Row>('select * from _ledger.log.lake order by load_id')

describe('receita_federal on real files', () => {
  it('has every column of the official layout, typed', () => {
    const widths = Object.entries(receita.resources).map(([table, { row }]) => [
      table,
      Object.keys(columnsOf(row)).length,
    ])
    expect(Object.fromEntries(widths)).toMatchObject({
      empresas: 7,
      estabelecimentos: 31,
      socios: 12,
      simples: 7,
      cnaes: 2,
    })
    expect(columnsOf(receita.resources.empresas!.row).capital_social).toBe('DECIMAL(18,2)')
    expect(columnsOf(receita.resources.estabelecimentos!.row)).toMatchObject({
      data_inicio_atividade: 'DATE',
      cnaes_secundarias: 'VARCHAR[]',
      cnpj: 'VARCHAR',
      cep: 'VARCHAR',
    })
  })

  it('lands the ten tables of our fixtures', () => expectRealFiles(fixtures))
  it.skipIf(!existsSync(shared))('lands the ten tables of ../shared (skipped where that is absent)', () =>
    expectRealFiles(shared),
  )

  async function expectRealFiles(path: string): Promise<void> {
    const { w, context } = await inWorld()
    const summary = await land(context, path)
    expect(summary.failures).toEqual([])
    expect(summary.counts).toMatchObject({
      estabelecimentos: 1,
      empresas: 1,
      socios: 6,
      simples: 1,
      cnaes: 6,
      rejected: 0,
    })
    expect(await raw(w, 'estabelecimentos')).toMatchObject([
      {
        cnpj: '33683111000280',
        nome_fantasia: 'REGIONAL BRASILIA-DF',
        situacao_cadastral: '02',
        data_situacao_cadastral: '2004-05-22',
        cnaes_secundarias: ['6201501', '6202300', '6203100', '6209100', '6311900'],
        uf: 'DF',
        telefone_1: null,
        data_situacao_especial: null,
      },
    ])
    expect(await raw(w, 'empresas')).toMatchObject([{ cnpj_basico: '33683111', capital_social: '1061004829.23' }])
    expect(await raw(w, 'simples')).toMatchObject([{ data_opcao: '2014-01-01', data_exclusao: null }])
    expect(await raw(w, 'socios', `where cnpj_cpf_do_socio = '***220050**'`)).toMatchObject([
      { nome_socio: 'ANDRE DE CESERO', data_entrada_sociedade: '2016-06-16', representante_legal: null },
    ])
    expect(await raw(w, 'naturezas')).toEqual([{ codigo: '2011', descricao: 'Empresa Pública' }])
    expect(await raw(w, 'motivos')).toContainEqual({ codigo: '32', descricao: 'INEXISTENTE DE FATO - ADE/COSAR' })
    expect(await raw(w, 'motivos')).toContainEqual({ codigo: '00', descricao: 'SEM MOTIVO' })
  }
})

describe('receita_federal on generated files', () => {
  const folder = temporary('receita')
  const COMPANIES = 200
  let truth: Truth
  beforeAll(async () => {
    truth = await generateReceita({ folder, companies: COMPANIES, defects: true, alphanumeric: 0.2 })
  })

  it('lands exactly the active establishments that a profile wants, with their companies', async () => {
    const { w, context } = await inWorld()
    const profiles = {
      software_sp: { description: '', hard: { countries: ['BR'], states: ['SP'], cnae: ['6201', '6202300'] } },
      food: { description: '', hard: { cnae: ['5611201'] } },
      abroad: { description: '', hard: { countries: ['US'] } },
    }
    await land(context, folder, profiles)
    const wanted = Array.from({ length: COMPANIES }, (_, index) => companyOf(index, { alphanumeric: 0.2 })).filter(
      (company) => {
        const codes = [company.cnae, ...company.other_cnaes]
        const software = company.uf === 'SP' && (codes.includes('6201501') || codes.includes('6202300'))
        return company.active && (software || codes.includes('5611201'))
      },
    )
    const roots = wanted.map(({ root }) => root).sort()
    const landed = await raw(w, 'estabelecimentos', `where cnpj_basico not like 'ZZ%' order by cnpj`)
    expect([...new Set(landed.map(({ cnpj_basico }) => cnpj_basico))]).toEqual(roots)
    expect(landed).toHaveLength(wanted.reduce((sum, { establishments }) => sum + establishments, 0))
    expect(
      (await raw(w, 'empresas', `where cnpj_basico not like 'ZZ%' order by 1`)).map((row) => row.cnpj_basico),
    ).toEqual(roots)
    expect(landed.every(({ cnpj }) => isCnpj(String(cnpj)))).toBe(true)
    expect(landed.some(({ cnpj }) => /[A-Z]/.test(String(cnpj)))).toBe(true)
    expect(await raw(w, 'socios')).toEqual([])
  })

  it('reads every row or rejects it, with file, line and reason', async () => {
    const { w, context } = await inWorld()
    const { counts } = await land(context, folder, ANYONE)
    const good = Object.values(truth.rows).reduce((sum, rows) => sum + rows, 0)
    const badlyMade = truth.rejects.filter(({ reason }) => !/check digits|cnpj_basico/.test(reason.source))
    expect(counts).toMatchObject({ rejected: truth.rejects.length, nul_bytes: 2, absurd_dates: 3, absurd_capital: 2 })
    expect(counts!.read).toBe(good + truth.rejects.length - badlyMade.length)
    const rejects = await rejectsOf(w)
    expect(rejects.map(({ file, line: at }) => ({ file, line: at }))).toEqual(
      truth.rejects.map(({ file, line: at }) => ({ file, line: at })),
    )
    for (const [index, { reason }] of truth.rejects.entries()) expect(rejects[index]!.reason).toMatch(reason)
  })

  it('gets the odd ones right', async () => {
    const { w, context } = await inWorld()
    await land(context, folder)
    const rows = await raw(w, 'estabelecimentos', `where cnpj_basico = '${ODD_ROOT}' order by cnpj_ordem`)
    const branch = (order: string) => rows.find(({ cnpj_ordem }) => cnpj_ordem === order)
    expect(branch('0001')).toMatchObject({
      cnpj: ODD_CNPJ,
      nome_fantasia: 'LOJA; "A MELHOR" DO BAIRRO',
      complemento: 'SALA 1 FUNDOS',
    })
    expect(branch('0003')).toMatchObject({ logradouro: 'RUA A\\' })
    expect(branch('0004')).toMatchObject({ nome_fantasia: 'NULO' })
    expect(branch('0008')).toMatchObject({ cnae_fiscal_principal: '6201501', cep: '01311902' })
    expect(branch('0009')).toMatchObject({ cep: '01311902' })
    expect(branch('0010')).toMatchObject({
      data_situacao_cadastral: null,
      data_inicio_atividade: null,
      data_situacao_especial: null,
    })
    expect(branch('0011')).toMatchObject({ data_situacao_cadastral: null, data_inicio_atividade: null })
    expect(branch('0012')).toMatchObject({ uf: 'EX', pais: '249', nome_cidade_exterior: 'MIAMI' })
    expect(branch('0013')).toMatchObject({ nome_fantasia: 'DEPOIS' })
    expect(branch('0014')).toMatchObject({ nome_fantasia: 'LOJA DO CENTRO' })
    expect(branch('0002') ?? branch('0005') ?? branch('0006')).toBeUndefined()
    expect(await raw(w, 'empresas', `where cnpj_basico like 'ZZ%' order by 1`)).toMatchObject([
      { cnpj_basico: ODD_ROOT, capital_social: null },
      { cnpj_basico: 'ZZ000002', razao_social: 'EMPRESARIA DE TAL', capital_social: '1234.56' },
    ])
    const partners = await raw(w, 'socios', `where cnpj_basico = '${ODD_ROOT}' order by nome_socio desc`)
    expect(partners.map(({ cnpj_cpf_do_socio }) => cnpj_cpf_do_socio)).toEqual([
      '***220050**',
      '***220050**',
      '***456789**',
    ])
    expect(partners[0]).toMatchObject({ representante_legal: null, qualificacao_do_representante: null })
    expect(new Set(partners.map(({ socio_key }) => socio_key)).size).toBe(3)
    expect(await raw(w, 'simples', `where cnpj_basico = '${ODD_ROOT}'`)).toMatchObject([
      { data_opcao: '2020-01-31', data_opcao_mei: null },
    ])
  })

  it('keeps no CPF, not even in what it rejects', async () => {
    const { w, context } = await inWorld()
    await land(context, folder, ANYONE)
    const texts = [
      ...(await raw(w, 'empresas')),
      ...(await raw(w, 'estabelecimentos')),
      ...(await raw(w, 'socios')),
      ...(await rejectsOf(w)),
    ]
    expect(JSON.stringify(texts).match(/(?<!\w)\d{11}(?!\w)/g)).toBeNull()
  })

  it('gives the same bytes for the same files', async () => {
    const hashes = async () => {
      const { w, context } = await inWorld()
      await land(context, folder)
      return (await landings(w)).map(({ table_name, snapshot, filter, files }) => [table_name, snapshot, filter, files])
    }
    const first = await hashes()
    expect(first).toHaveLength(10)
    expect(first[0]![1]).toBe('2026-08-08')
    expect(await hashes()).toEqual(first)
  })

  it('reads nothing big when no profile wants Brazil', async () => {
    const { context } = await inWorld()
    const { counts } = await land(context, folder, { us: { description: '', hard: { countries: ['US'] } } })
    expect(counts).toMatchObject({ estabelecimentos: 0, empresas: 0, socios: 0, simples: 0, cnaes: 8, read: 23 })
  })

  it.each(['utf8', 'utf16le'] as const)('reads a part in %s by its mark', async (encoding) => {
    const { w, context } = await inWorld()
    const copy = temporary('encoding')
    cpSync(folder, copy, { recursive: true })
    const text = line(...establishment(ODD_CNPJ, { 4: 'CAFÉ €' }))
    const latin1 = Buffer.from(`\ufeff${text}`, encoding).toString('latin1')
    await writeZip(join(copy, 'Estabelecimentos1.zip'), 'K3241.K03200Y1.D60808.ESTABELE', [latin1])
    await land(context, copy)
    expect(await raw(w, 'estabelecimentos', `where cnpj = '${ODD_CNPJ}'`)).toMatchObject([{ nome_fantasia: 'CAFÉ €' }])
  })

  describe('when files are not what they should be', () => {
    let copy: string
    const at = (name: string) => join(copy, name)
    const cut = (name: string, to: (length: number) => number) => {
      const whole = readFileSync(at(name))
      writeFileSync(at(name), whole.subarray(0, to(whole.length)))
    }
    beforeAll(() => {
      copy = temporary('damaged')
    })
    afterEach(() => rmSync(copy, { recursive: true, force: true }))
    const fresh = () => cpSync(folder, copy, { recursive: true })

    it('keeps what a cut zip still holds, and says so', async () => {
      const { w, context } = await inWorld()
      fresh()
      await land(context, copy)
      const whole = (await raw(w, 'estabelecimentos')).length
      cut('Estabelecimentos1.zip', (length) => Math.floor(length / 2))
      const summary = await land(context, copy)
      expect(summary.failures).toMatchObject([
        { kind: 'row', message: expect.stringContaining('Estabelecimentos1.zip is damaged') },
      ])
      const kept = (await raw(w, 'estabelecimentos')).length
      expect(kept).toBeGreaterThan(whole / 2)
      expect(kept).toBeLessThan(whole)
      expect((await rejectsOf(w)).map(({ file, reason }) => `${file} ${reason}`)).toContainEqual(
        expect.stringMatching(/Estabelecimentos1.*damaged/),
      )
    })

    it('reads the rest when a zip is none', async () => {
      const { w, context } = await inWorld()
      fresh()
      writeFileSync(at('Empresas1.zip'), '<html>503</html>')
      const { failures } = await land(context, copy)
      expect(failures).toMatchObject([
        { kind: 'row', message: expect.stringContaining('Empresas1.zip cannot be read') },
      ])
      expect((await raw(w, 'empresas')).length).toBeGreaterThan(0)
      expect(await rejectsOf(w)).toContainEqual(expect.objectContaining({ file: 'Empresas1.zip', line: 0 }))
    })

    it('keeps the last good tables when nothing of a kind can be read', async () => {
      const { w, context } = await inWorld()
      fresh()
      await land(context, copy)
      const before = await raw(w, 'empresas', 'order by 1')
      for (const zip of readdirSync(copy)) if (zip.startsWith('Estabelecimentos')) writeFileSync(at(zip), '')
      const { failures } = await land(context, copy)
      expect(failures).toHaveLength(2)
      expect(await raw(w, 'empresas', 'order by 1')).toEqual(before)
    })

    it('stops loudly when the columns have changed, and lands nothing', async () => {
      const { w, context } = await inWorld()
      fresh()
      await writeZip(at('Empresas1.zip'), 'K3241.K03200Y1.D60808.EMPRECSV', [
        line('1', '2', '3', '4', '5', '6', '7', '8'),
      ])
      const landing = land(context, copy)
      await expect(landing).rejects.toThrow(CheckFailed)
      await expect(landing).rejects.toThrow(/Empresas1\.zip!K3241\.K03200Y1\.D60808\.EMPRECSV:1 .*8 columns where 7/)
      expect(await landings(w)).toEqual([])
    })

    it('goes on where it was stopped: what was finished is not read again, and the same lands', async () => {
      fresh()
      const undisturbed = await inWorld()
      const whole = await land(undisturbed.context, copy, ANYONE)
      const { w, context } = await inWorld()
      for (const place of ['Estabelecimentos1', 'Empresas0', 'Socios0']) {
        const stop = new AbortController()
        const progress = (text: string) => text.startsWith(place) && stop.abort()
        await expect(land({ ...context, progress, signal: stop.signal }, copy, ANYONE)).rejects.toThrow(Interrupted)
        expect(await landings(w)).toEqual([])
        expect(await rejectsOf(w)).toEqual([])
      }
      const seen = new Set<string>()
      const progress = (text: string) => seen.add(text.split('.zip')[0]!)
      const { counts } = await land({ ...context, progress }, copy, ANYONE)
      expect([...seen].filter((zip) => /^(Est|Emp|Soc|Sim)/.test(zip)).sort()).toEqual(['Simples', 'Socios1'])
      expect(counts).toEqual(whole.counts)
      const files = async (one: TestWorld) => (await landings(one)).map((row) => row.files)
      expect(await files(w)).toEqual(await files(undisturbed.w))
      const rejects = async (one: TestWorld) =>
        (await rejectsOf(one)).map(({ file, line: at, reason }) => [file, at, reason])
      expect(await rejects(w)).toEqual(await rejects(undisturbed.w))
      expect(readdirSync(join(context.paths.data, 'tmp', 'bulk-receita_federal'))).toEqual([])
    })

    it('forgets what was finished of other files', async () => {
      const { context } = await inWorld()
      fresh()
      const stop = new AbortController()
      const progress = (text: string) => text.startsWith('Socios') && stop.abort()
      await expect(land({ ...context, progress, signal: stop.signal }, copy, ANYONE)).rejects.toThrow(Interrupted)
      cpSync(at('Empresas0.zip'), at('Empresas1.zip'))
      const { counts } = await land(context, copy, ANYONE)
      expect(counts!.duplicates).toBeGreaterThan(COMPANIES / 4)
    })
  })

  describe('a filter beyond the ICP', () => {
    // One after another in one ledger: each is another landing of the same files.
    let one: Awaited<ReturnType<typeof inWorld>>
    beforeAll(async () => {
      one = await inWorld()
      open = []
    })
    afterAll(() => one.w.close())
    const landed = async (only: object, profiles: object = ANYONE) => {
      const { w, context } = one
      await land(context, folder, profiles, { only })
      const roots = async (table: string) =>
        (await raw(w, table, `where cnpj_basico not like 'ZZ%' order by 1`)).map((row) => String(row.cnpj_basico))
      return {
        establishments: await roots('estabelecimentos'),
        companies: await roots('empresas'),
        partners: await roots('socios'),
      }
    }
    const companies = Array.from({ length: COMPANIES }, (_, index) => companyOf(index, { alphanumeric: 0.2 }))
    const rootsOf = (chosen: typeof companies) => chosen.map(({ root }) => root).sort()

    it.each([
      ['situação', { situacao: ['08'] }, (one: Company) => !one.active],
      ['município', { municipios: ['7107', '9701'] }, (one: Company) => one.active && ['SP', 'DF'].includes(one.uf)],
      ['natureza', { naturezas: ['213'] }, (one: Company) => one.active && one.mei],
      ['porte', { porte: ['05'] }, (one: Company) => one.active && !one.mei],
      ['capital', { capital: { min: 1 } }, (one: Company) => one.active && !one.mei],
      ['age', { age_years: { min: 12 } }, () => false],
      [
        'several',
        { situacao: ['02', '08'], capital: { max: 1 }, municipios: ['6001'] },
        (one: Company) => one.mei && one.uf === 'RJ',
      ],
    ])('by %s lands what passes, its companies and partners, and nothing else', async (_what, only, passes) => {
      const wanted = companies.filter(passes)
      const found = await landed(only)
      expect([...new Set(found.establishments)]).toEqual(rootsOf(wanted))
      expect(found.companies).toEqual(rootsOf(wanted))
      expect([...new Set(found.partners)]).toEqual(rootsOf(wanted.filter(({ partners }) => partners > 0)))
    })

    const profile = (hard: object) => ({ description: '', hard: { countries: ['BR'], ...hard } })
    it.each<[string, object[], (one: Company) => boolean]>([
      ['município', [{ municipios: ['7107', '9701'] }], (one) => ['SP', 'DF'].includes(one.uf)],
      ['age', [{ age_years: { max: 1 } }], () => false],
      ['several in one', [{ municipios: ['6001'], capital: { max: 0.5 } }], (one) => one.mei && one.uf === 'RJ'],
      [
        'what one of two profiles asks',
        [
          { municipios: ['7107'], porte: ['05'] },
          { states: ['RJ'], naturezas: ['206'] },
        ],
        (one) => !one.mei && ['SP', 'RJ'].includes(one.uf),
      ],
      ['nothing that one of two does not ask', [{ porte: ['05'], age_years: { max: 1 } }, {}], () => true],
    ])('in the ICP itself: by %s lands what could pass', async (_what, rules, passes) => {
      const profiles = Object.fromEntries(rules.map((hard, index) => [`p${index}`, profile(hard)]))
      const wanted = rootsOf(companies.filter((one) => one.active && passes(one)))
      const found = await landed({}, profiles)
      expect([...new Set(found.establishments)]).toEqual(wanted)
      expect(found.companies).toEqual(wanted)
    })
  })
})

describe('the folder', () => {
  it('is of the newest complete month; a lookup that it lacks is the one before', async () => {
    const { w, context } = await inWorld()
    const home = temporary('months')
    await generateReceita({ folder: join(home, '2026-06'), companies: 3, extracted: 'D60613', parts: 1 })
    await generateReceita({ folder: join(home, '2026-07'), companies: 4, extracted: 'D60711', parts: 1 })
    rmSync(join(home, '2026-07', 'Cnaes.zip'))
    mkdirSync(join(home, '2026-08'))
    cpSync(join(home, '2026-07', 'Socios0.zip'), join(home, '2026-08', 'Socios0.zip'))
    const { counts, text } = await land(context, home, ANYONE)
    expect(text).toContain('2026-08 has no Empresas*.zip, Estabelecimentos*.zip')
    expect(text).toContain('no Cnaes*.zip: the one of 2026-06 is taken')
    expect(counts).toMatchObject({ cnaes: 8 })
    expect((await landings(w)).map(({ snapshot }) => snapshot)).toEqual(Array.from({ length: 10 }, () => '2026-07-11'))
  })

  it('has a version that changes with its zips, and with nothing else', async () => {
    const home = temporary('version')
    cpSync(fixtures, home, { recursive: true, preserveTimestamps: true })
    const version = () => receita.bulk!.version(receita.settings.parse({ path: home }), '/')
    const first = await version()
    writeFileSync(join(home, 'notes.txt'), 'hello')
    expect(await version()).toBe(first)
    rmSync(join(home, 'Simples.zip'))
    expect(await version()).not.toBe(first)
  })

  it.each([
    ['is not there', 'data/nowhere', undefined],
    ['holds no zip', 'empty', 'readme.txt'],
  ])('that %s is a problem of the project', async (message, path, file) => {
    const { context } = await inWorld()
    const home = join(temporary('empty'), path)
    if (file !== undefined) {
      mkdirSync(home, { recursive: true })
      writeFileSync(join(home, file), '')
    }
    await expect(land(context, home)).rejects.toThrow(ProjectError)
    await expect(land(context, home)).rejects.toThrow(message)
  })
})
