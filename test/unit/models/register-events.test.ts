import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tableOf } from '../../../ingest/catalogue.ts'
import receita from '../../../ingest/providers/receita_federal.ts'
import { changesTable, writeChanges } from '../../../pipeline/bulk/changes.ts'
import type { Row } from '../../../pipeline/warehouse/duckdb.ts'
import { type ModelWorld, modelWorld } from '../../helpers/models.ts'

const listed = { name: 'receita_federal', provider: receita, version: '1' }
const TABLES = ['estabelecimentos', 'empresas', 'socios', 'simples'] as const
type Month = Record<(typeof TABLES)[number], Row[]>
const BEFORE = '2026-07-11'
const AFTER = '2026-08-08'
const COMPANIES = 12

const rootOf = (n: number) => `${String(n).padStart(6, '0')}A1`
const cnpjOf = (n: number, branch = 1) => `${rootOf(n)}${String(branch).padStart(4, '0')}00`

function branch(n: number, order = 1): Row {
  return {
    cnpj: cnpjOf(n, order),
    cnpj_basico: rootOf(n),
    identificador_matriz_filial: order === 1 ? '1' : '2',
    nome_fantasia: `LOJA ${n}`,
    situacao_cadastral: '02',
    data_situacao_cadastral: '2015-06-30',
    data_inicio_atividade: '2015-06-30',
    cnae_fiscal_principal: '6201501',
    cnaes_secundarias: ['6202300'],
    tipo_logradouro: 'RUA',
    logradouro: 'DAS ACACIAS',
    numero: '100',
    cep: '01311902',
    uf: 'SP',
    municipio: '7107',
    correio_eletronico: `a${n}@example.com`,
  }
}
const entity = (n: number): Row => ({
  cnpj_basico: rootOf(n),
  razao_social: `COMPANY ${n} LTDA`,
  capital_social: '10000.00',
  porte: '01',
})
const partner = (n: number, who: string, role = '22', joined = '2015-06-30'): Row => ({
  socio_key: `${rootOf(n)}-${who}-${role}`,
  cnpj_basico: rootOf(n),
  identificador_de_socio: '2',
  nome_socio: who,
  cnpj_cpf_do_socio: '***220050**',
  qualificacao_do_socio: role,
  data_entrada_sociedade: joined,
})
const regime = (n: number, more: Row = {}): Row => ({
  cnpj_basico: rootOf(n),
  opcao_pelo_simples: 'N',
  opcao_pelo_mei: 'N',
  ...more,
})

function july(): Month {
  const all = Array.from({ length: COMPANIES }, (_, n) => n)
  return {
    estabelecimentos: all.map((n) => branch(n)),
    empresas: all.map(entity),
    socios: all.map((n) => partner(n, 'ANA')),
    simples: all.map((n) => regime(n)),
  }
}

const at = (rows: Row[], n: number) => rows.find(({ cnpj_basico }) => cnpj_basico === rootOf(n))!
const without = (rows: Row[], n: number) => rows.filter(({ cnpj_basico }) => cnpj_basico !== rootOf(n))
function gone(month: Month, n: number): void {
  for (const table of TABLES) month[table] = without(month[table], n)
}
function comes(month: Month, n: number, since: string): void {
  gone(month, n)
  month.estabelecimentos.push({ ...branch(n), data_inicio_atividade: since, data_situacao_cadastral: since })
  month.empresas.push(entity(n))
  month.socios.push(partner(n, 'RUI', '49', since))
  month.simples.push(regime(n, { opcao_pelo_simples: 'S', data_opcao: since }))
}

type Edit = [
  name: string,
  edit: (month: Month, n: number) => void,
  events: [kind: string, date: string][],
  before?: (month: Month, n: number) => void,
]
const EDITS: Edit[] = [
  [
    'an unseen company that began between the months',
    (m, n) => comes(m, n, '2026-07-20'),
    [['opened', '2026-07-20']],
    gone,
  ],
  [
    'one that began a little before the last month',
    (m, n) => comes(m, n, '2026-06-25'),
    [['opened', '2026-06-25']],
    gone,
  ],
  ['one that is old: it came in by another way', (m, n) => comes(m, n, '2015-06-30'), [], gone],
  [
    'a new branch',
    (m, n) => m.estabelecimentos.push({ ...branch(n, 2), data_inicio_atividade: '2026-08-01' }),
    [['branch_opened', '2026-08-01']],
  ],
  [
    'closed',
    (m, n) =>
      Object.assign(at(m.estabelecimentos, n), { situacao_cadastral: '08', data_situacao_cadastral: '2026-07-31' }),
    [['closed', '2026-07-31']],
  ],
  [
    'unfit, with an old date',
    (m, n) => Object.assign(at(m.estabelecimentos, n), { situacao_cadastral: '04' }),
    [['status_changed', AFTER]],
  ],
  ['gone', gone, [['delisted', AFTER]]],
  [
    'moved to another city',
    (m, n) => Object.assign(at(m.estabelecimentos, n), { uf: 'RJ', municipio: '6001' }),
    [['moved', AFTER]],
  ],
  ['moved along the street', (m, n) => Object.assign(at(m.estabelecimentos, n), { numero: '200' }), [['moved', AFTER]]],
  [
    'another mail address',
    (m, n) => Object.assign(at(m.estabelecimentos, n), { correio_eletronico: 'b@example.com' }),
    [],
  ],
  [
    'a CNAE more',
    (m, n) => Object.assign(at(m.estabelecimentos, n), { cnaes_secundarias: ['6202300', '6204000'] }),
    [['cnae_added', AFTER]],
  ],
  ['a CNAE less', (m, n) => Object.assign(at(m.estabelecimentos, n), { cnaes_secundarias: [] }), []],
  [
    'another CNAE first',
    (m, n) =>
      Object.assign(at(m.estabelecimentos, n), { cnae_fiscal_principal: '6202300', cnaes_secundarias: ['6201501'] }),
    [['main_cnae_changed', AFTER]],
  ],
  [
    'another trade name',
    (m, n) => Object.assign(at(m.estabelecimentos, n), { nome_fantasia: 'NOVA' }),
    [['name_changed', AFTER]],
  ],
  [
    'another legal name',
    (m, n) => Object.assign(at(m.empresas, n), { razao_social: 'NOVA LTDA' }),
    [['name_changed', AFTER]],
  ],
  ['capital', (m, n) => Object.assign(at(m.empresas, n), { capital_social: '50000.00' }), [['capital_changed', AFTER]]],
  ['porte', (m, n) => Object.assign(at(m.empresas, n), { porte: '03' }), [['size_changed', AFTER]]],
  [
    'a partner more',
    (m, n) => m.socios.push(partner(n, 'EVA', '22', '2026-07-15')),
    [['partner_joined', '2026-07-15']],
  ],
  [
    'an administrator more',
    (m, n) => m.socios.push(partner(n, 'EVA', '49', '2019-01-01')),
    [['administrator_joined', AFTER]],
  ],
  [
    'no partner left',
    (m, n) => {
      m.socios = without(m.socios, n)
    },
    [['partner_left', AFTER]],
  ],
  [
    'a partner takes over',
    (m, n) => {
      m.socios = [...without(m.socios, n), partner(n, 'ANA', '49')]
    },
    [['administrator_joined', AFTER]],
  ],
  ['a partner grows older', (m, n) => Object.assign(at(m.socios, n), { faixa_etaria: '5' }), []],
  [
    'Simples',
    (m, n) => Object.assign(at(m.simples, n), { opcao_pelo_simples: 'S', data_opcao: '2026-08-01' }),
    [['simples_joined', '2026-08-01']],
  ],
  [
    'MEI, new in the table',
    (m, n) => m.simples.push(regime(n, { opcao_pelo_mei: 'S', data_opcao_mei: '2026-07-12' })),
    [['mei_joined', '2026-07-12']],
    (m, n) => {
      m.simples = without(m.simples, n)
    },
  ],
  [
    'out of MEI and Simples',
    (m, n) => {
      m.simples = [
        ...without(m.simples, n),
        regime(n, { data_exclusao: '2026-07-31', data_exclusao_mei: '2026-07-31' }),
      ]
    },
    [
      ['mei_left', '2026-07-31'],
      ['simples_left', '2026-07-31'],
    ],
    (m, n) => Object.assign(at(m.simples, n), { opcao_pelo_simples: 'S', opcao_pelo_mei: 'S' }),
  ],
]

const OPENING = ['opened', 'branch_opened', 'partner_joined']
const ROW_BEFORE = ['closed', 'status_changed', 'delisted', 'moved', 'cnae_added', 'main_cnae_changed', 'name_changed']
ROW_BEFORE.push('capital_changed', 'size_changed', 'partner_left', 'simples_left', 'mei_left')

const folder = mkdtempSync(join(tmpdir(), 'lead-engine-events-'))
let m: ModelWorld
beforeAll(async () => {
  m = await modelWorld()
  const lookup = { codigo: 'VARCHAR', descricao: 'VARCHAR', _fetched_at: 'TIMESTAMP' }
  await m.give({
    'raw.receita_federal__municipios': {
      columns: lookup,
      rows: [
        { codigo: '7107', descricao: 'SAO PAULO' },
        { codigo: '6001', descricao: 'RIO DE JANEIRO' },
      ],
    },
    'raw.receita_federal__qualificacoes': {
      columns: lookup,
      rows: [
        { codigo: '22', descricao: 'Sócio' },
        { codigo: '49', descricao: 'Sócio-Administrador' },
      ],
    },
  })
  await m.build(['stg_receita_federal__municipios', 'stg_receita_federal__qualificacoes'])
})
afterAll(() => {
  m.close()
  rmSync(folder, { recursive: true })
})

const technical = { _fetched_at: 'TIMESTAMP', _run_id: 'VARCHAR', _load: 'BIGINT' }
let files = 0
async function compare(before: Month, after: Month, same_filter = true): Promise<void> {
  for (const name of TABLES) {
    const table = tableOf(listed, name)
    const land = async (rows: Row[]) => {
      const file = join(folder, `${++files}.parquet`)
      await m.give({ 'main.landing': { columns: table.columns, rows } })
      await m.connection.run(`copy (from landing) to '${file}' (format parquet)`)
      return [file]
    }
    const sides = {
      before: { snapshot: BEFORE, files: await land(before[name]) },
      after: { snapshot: AFTER, files: await land(after[name]) },
    }
    const out = join(folder, `${++files}`)
    const written = await writeChanges(
      m.connection,
      { table, ...sides, same_filter },
      (part) => `${out}-${part}.parquet`,
    )
    await m.give({
      [`raw.receita_federal__${name}`]: { columns: { ...table.columns, ...technical }, rows: after[name] },
      [`raw.receita_federal__${name}_changes`]: { columns: { ...changesTable(table).columns, ...technical }, rows: [] },
    })
    if (written.length > 0)
      await m.connection.run(`insert into raw.receita_federal__${name}_changes by name
        select *, timestamp '2026-11-22' as _fetched_at from '${out}-*.parquet'`)
  }
  await m.build([
    ...TABLES.map((name) => `stg_receita_federal__${name}_changes`),
    ...['status_events', 'establishment_events', 'company_events', 'regime_events', 'partner_events', 'events'].map(
      (name) => `int_receita_federal__${name}`,
    ),
  ])
}

const events = (columns: string) =>
  m.connection.rows<Row>(`select ${columns} from intermediate.int_receita_federal__events order by all`)

/** Both months, with each chosen edit on a company of its own. */
function edited(choice: readonly (Edit | undefined)[]): { before: Month; after: Month; expected: Row[] } {
  const before = july()
  for (const [n, edit] of choice.entries()) edit?.[3]?.(before, n)
  const after = structuredClone(before)
  for (const [n, edit] of choice.entries()) edit?.[1](after, n)
  const expected = choice.flatMap((edit, n) =>
    (edit?.[2] ?? []).map(([kind, happened_on]) => ({ cnpj_root: rootOf(n), kind, happened_on })),
  )
  return { before, after, expected }
}

describe('events of the register', () => {
  it.each(Array.from({ length: Math.ceil(EDITS.length / COMPANIES) }, (_, n) => [n]))(
    'each kind alone (%i)',
    async (n) => {
      const { before, after, expected } = edited(EDITS.slice(n * COMPANIES, (n + 1) * COMPANIES))
      await compare(before, after)
      expect(await events('cnpj_root, kind, happened_on')).toEqual(expected)
    },
  )

  it('random edits of a month are found exactly, with both rows', async () => {
    const choice = fc.array(fc.option(fc.constantFrom(...EDITS), { nil: undefined }), {
      minLength: 1,
      maxLength: COMPANIES,
    })
    await fc.assert(
      fc.asyncProperty(choice, async (chosen) => {
        const { before, after, expected } = edited(chosen)
        await compare(before, after)
        const key = (row: Row) => `${row.cnpj_root} ${row.kind}`
        expect(await events('cnpj_root, kind, happened_on')).toEqual(
          expected.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)),
        )
        for (const { kind, row_before, row_after } of await events('kind, row_before, row_after')) {
          expect({ kind, has_before: row_before !== null }).toEqual({
            kind,
            has_before: ROW_BEFORE.includes(String(kind)) || (row_before !== null && !OPENING.includes(String(kind))),
          })
          expect(row_after === null).toBe(['delisted', 'partner_left'].includes(String(kind)))
        }
      }),
      { numRuns: 5 },
    )
  })

  it('every kind has a half-life', async () => {
    const known = await m.connection.rows<{ kind: string }>('select kind from seeds.signal_half_lives')
    const kinds = EDITS.flatMap(([, , told]) => told.map(([kind]) => kind))
    expect(known.map(({ kind }) => kind)).toEqual(expect.arrayContaining([...new Set(kinds)]))
  })

  it('two equal months tell of nothing', async () => {
    await compare(july(), structuredClone(july()))
    expect(await events('kind')).toEqual([])
  })

  it('what a wider filter lets in has not opened, joined or entered anything, unless its own date says so', async () => {
    const before = july()
    const after = july()
    comes(after, 20, '2015-06-30')
    comes(after, 21, '2026-06-25')
    comes(after, 22, '2026-07-20')
    gone(after, 3)
    before.socios = []
    before.simples = []
    after.simples = [
      regime(4, { opcao_pelo_simples: 'S', data_opcao: '2018-01-01' }),
      regime(5, { opcao_pelo_simples: 'S', data_opcao: '2026-08-01' }),
    ]
    after.socios.push(partner(6, 'EVA', '22', '2026-07-15'))
    await compare(before, after, false)
    expect(await events('cnpj_root, kind')).toEqual([
      { cnpj_root: rootOf(5), kind: 'simples_joined' },
      { cnpj_root: rootOf(6), kind: 'partner_joined' },
      { cnpj_root: rootOf(22), kind: 'opened' },
    ])
  })

  it('says what changed without names of people, and keeps both rows', async () => {
    const { before, after } = edited([EDITS[7]!, EDITS[15]!, EDITS[18]!])
    await compare(before, after)
    const found = await events("kind, evidence, row_before ->> 'uf' as uf_before, row_after ->> 'uf' as uf_after")
    expect(found).toEqual([
      {
        kind: 'administrator_joined',
        evidence: 'somebody new runs it: Sócio-Administrador',
        uf_before: null,
        uf_after: null,
      },
      { kind: 'capital_changed', evidence: 'capital from 10000.00 to 50000.00 BRL', uf_before: null, uf_after: null },
      { kind: 'moved', evidence: 'moved from SAO PAULO SP to RIO DE JANEIRO RJ', uf_before: 'SP', uf_after: 'RJ' },
    ])
  })
})

describe('versions', () => {
  it('give the register as of any month, though only the last one is held', async () => {
    const before = july()
    const after = july()
    Object.assign(at(after.estabelecimentos, 1), { uf: 'RJ' })
    gone(after, 2)
    comes(after, 30, '2026-07-20')
    await compare(before, after)
    await m.build(['int_receita_federal__establishment_versions'])
    const asOf = (date: string) =>
      m.connection.rows<Row>(`select cnpj_basico, uf from intermediate.int_receita_federal__establishment_versions
        where valid_from <= date '${date}' and (valid_to is null or valid_to > date '${date}') order by cnpj_basico`)
    const rows = ({ estabelecimentos }: Month) =>
      estabelecimentos
        .map(({ cnpj_basico, uf }) => ({ cnpj_basico, uf }))
        .sort((a, b) => (String(a.cnpj_basico) < String(b.cnpj_basico) ? -1 : 1))
    expect(await asOf('2026-07-31')).toEqual(rows(before))
    expect(await asOf('2026-08-08')).toEqual(rows(after))
    expect(await asOf('2026-06-01')).toEqual([])
    const current = await m.connection.rows<Row>(
      'select count(*) as n from intermediate.int_receita_federal__establishment_versions where is_current',
    )
    expect(current).toEqual([{ n: after.estabelecimentos.length }])
  })

  it('follow a row through many changes, its going and its coming back', async () => {
    const table = tableOf(listed, 'estabelecimentos')
    const version = (n: number, uf: string) => ({ cnpj: cnpjOf(n), cnpj_basico: rootOf(n), uf })
    const change = (n: number, previous_on: string, changed_on: string, was: string | null, now: string | null) => ({
      cnpj: cnpjOf(n),
      previous_on,
      changed_on,
      same_filter: true,
      was: was === null ? null : version(n, was),
      now: now === null ? null : version(n, now),
    })
    await m.give({
      'raw.receita_federal__estabelecimentos': {
        columns: { ...table.columns, ...technical },
        rows: [version(1, 'MG'), version(2, 'BA'), version(3, 'RS')],
      },
      'raw.receita_federal__estabelecimentos_changes': {
        columns: { ...changesTable(table).columns, ...technical },
        rows: [
          change(1, '2026-06-13', '2026-07-11', 'SP', 'RJ'),
          change(2, '2026-06-13', '2026-07-11', null, 'PE'),
          change(1, '2026-07-11', '2026-08-08', 'RJ', 'MG'),
          change(2, '2026-07-11', '2026-08-08', 'PE', null),
          change(2, '2026-08-08', '2026-09-12', null, 'BA'),
        ],
      },
    })
    await m.build(['int_receita_federal__establishment_versions'])
    const asOf = async (date: string) => {
      const rows = await m.connection.rows<{ row: string }>(`
        select right(cnpj_basico, 3)[1:1] || uf as row from intermediate.int_receita_federal__establishment_versions
        where valid_from <= date '${date}' and (valid_to is null or valid_to > date '${date}') order by 1`)
      return rows.map(({ row }) => row)
    }
    expect(await asOf('2026-06-30')).toEqual(['1SP', '3RS'])
    expect(await asOf('2026-07-31')).toEqual(['1RJ', '2PE', '3RS'])
    expect(await asOf('2026-08-31')).toEqual(['1MG', '3RS'])
    expect(await asOf('2026-09-30')).toEqual(['1MG', '2BA', '3RS'])
  })
})
