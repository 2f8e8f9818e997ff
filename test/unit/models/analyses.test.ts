import { afterAll, beforeAll, expect, it } from 'vitest'
import { tableOf } from '../../../ingest/catalogue.ts'
import receita from '../../../ingest/providers/receita_federal.ts'
import type { Row } from '../../../pipeline/warehouse/duckdb.ts'
import { type ModelWorld, modelWorld } from '../../helpers/models.ts'

const listed = { name: 'receita_federal', provider: receita, version: '1' }
const technical = { _fetched_at: 'TIMESTAMP', _run_id: 'VARCHAR', _load: 'BIGINT' }

let m: ModelWorld
beforeAll(async () => {
  m = await modelWorld()
})
afterAll(() => m.close())

async function register(rows: Record<string, Row[]>): Promise<void> {
  for (const name of ['estabelecimentos', 'empresas', 'socios', 'municipios'] as const) {
    const { columns } = tableOf(listed, name)
    await m.give({
      [`raw.receita_federal__${name}`]: { columns: { ...columns, ...technical }, rows: rows[name] ?? [] },
    })
    await m.build([`stg_receita_federal__${name}`])
  }
}

const municipios = [
  { codigo: '7107', descricao: 'SAO PAULO' },
  { codigo: '6001', descricao: 'RIO DE JANEIRO' },
]
const shop = (root: string, order: number, began: string, more: Row = {}): Row => ({
  cnpj: `${root}000${order}00`,
  cnpj_basico: root,
  identificador_matriz_filial: order === 1 ? '1' : '2',
  situacao_cadastral: '02',
  data_inicio_atividade: began,
  cnae_fiscal_principal: '6201501',
  uf: 'SP',
  municipio: '7107',
  ...more,
})

it('new companies by sector and city: head offices of the latest 31 days', async () => {
  await register({
    municipios,
    estabelecimentos: [
      shop('AAAAAAA1', 1, '2026-11-08'),
      shop('AAAAAAA2', 1, '2026-10-09'),
      shop('AAAAAAA3', 1, '2026-10-08'),
      shop('AAAAAAA4', 2, '2026-11-01'),
      shop('AAAAAAA5', 1, '2026-11-05', { cnae_fiscal_principal: '5611201', uf: 'RJ', municipio: '6001' }),
      shop('AAAAAAA6', 1, '2026-11-06', { cnae_fiscal_principal: null, municipio: '9999' }),
      shop('AAAAAAA7', 1, '2027-01-01'),
    ],
  })
  const [sector] = await m.connection.rows<{ industry: string }>(
    `select industry from seeds.cnae_industries where starts_with('6201501', cnae_prefix) order by length(cnae_prefix) desc limit 1`,
  )
  const [food] = await m.connection.rows<{ industry: string }>(
    `select industry from seeds.cnae_industries where starts_with('5611201', cnae_prefix) order by length(cnae_prefix) desc limit 1`,
  )
  const rows = await m.ask('new_companies_by_sector_and_city')
  expect(rows.map(({ sector, state, city, companies }) => [sector, state, city, companies])).toEqual([
    [sector!.industry, 'SP', 'SAO PAULO', 2],
    ...[
      [food!.industry, 'RJ', 'RIO DE JANEIRO', 1],
      ['unknown', 'SP', 'unknown', 1],
    ].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  ])
  expect(rows[0]).toMatchObject({ first_started_on: '2026-10-09', last_started_on: '2026-11-08' })
})

it('branches of a matriz: how many, where, and which are open', async () => {
  await register({
    municipios,
    empresas: [{ cnpj_basico: 'BBBBBBB1', razao_social: 'REDE LTDA' }],
    estabelecimentos: [
      shop('BBBBBBB1', 1, '2010-01-01'),
      shop('BBBBBBB1', 2, '2015-01-01', { uf: 'RJ', municipio: '6001' }),
      shop('BBBBBBB1', 3, '2020-01-01', { situacao_cadastral: '08' }),
      shop('BBBBBBB2', 1, '2010-01-01'),
      shop('BBBBBBB3', 4, '2010-01-01'),
    ],
  })
  expect(await m.ask('branches_of_a_matriz')).toEqual([
    {
      cnpj_root: 'BBBBBBB1',
      legal_name: 'REDE LTDA',
      matriz_cnpj: 'BBBBBBB1000100',
      matriz_place: 'SAO PAULO SP',
      branches: 2,
      active_branches: 1,
      branch_states: ['RJ', 'SP'],
      branch_places: ['RIO DE JANEIRO RJ', 'SAO PAULO SP'],
      last_branch_started_on: '2020-01-01',
    },
    expect.objectContaining({ cnpj_root: 'BBBBBBB3', legal_name: null, matriz_cnpj: null, branches: 1 }),
  ])
})

it('groups by shared partners: chains of people and of companies that own companies, not those of an agent', async () => {
  const root = (n: number) => `C${String(n).padStart(7, '0')}`
  const partner = (n: number, name: string, document = '***111111**', kind = '2'): Row => ({
    socio_key: `${n}-${name}`,
    cnpj_basico: root(n),
    identificador_de_socio: kind,
    nome_socio: name,
    cnpj_cpf_do_socio: document,
  })
  await register({
    empresas: Array.from({ length: 80 }, (_, n) => ({
      cnpj_basico: root(n),
      razao_social: `COMPANY ${n}`,
      capital_social: '100.00',
    })),
    socios: [
      // a chain: each shares somebody with the next
      ...[0, 1, 2, 3, 4, 5, 6].flatMap((n) => [partner(n, `P${n}`), partner(n, `P${n + 1}`)]),
      // 8 owns 9, and 9 owns 10
      partner(9, 'COMPANY 8', `${root(8)}000100`, '1'),
      partner(10, 'COMPANY 9', `${root(9)}000100`, '1'),
      // one name, two people
      partner(11, 'ANA', '***222222**'),
      partner(12, 'ANA', '***333333**'),
      // an agent of 60
      ...Array.from({ length: 60 }, (_, n) => partner(20 + n, 'AGENT')),
    ],
  })
  const groups = await m.ask('groups_by_shared_partners')
  expect(
    groups.map(({ companies, shared_partners, cnpj_roots }) => ({ companies, shared_partners, cnpj_roots })),
  ).toEqual([
    { companies: 7, shared_partners: 6, cnpj_roots: [0, 1, 2, 3, 4, 5, 6].map(root) },
    { companies: 3, shared_partners: 0, cnpj_roots: [8, 9, 10].map(root) },
  ])
  expect(groups[1]).toMatchObject({
    share_capital_brl: '300.00',
    legal_names: ['COMPANY 8', 'COMPANY 9', 'COMPANY 10'],
  })
})

it('the market by state and size: employees where known, else porte', async () => {
  await register({
    empresas: [
      { cnpj_basico: 'DDDDDDD1', porte: '01' },
      { cnpj_basico: 'DDDDDDD2', porte: '05' },
    ],
  })
  const columns = {
    cnpj: 'VARCHAR',
    country: 'VARCHAR',
    state: 'VARCHAR',
    employee_count: 'INTEGER',
    revenue_usd: 'DOUBLE',
    is_icp_match: 'BOOLEAN',
  }
  const company = (cnpj: string | null, more: Row = {}): Row => ({
    cnpj,
    country: 'BR',
    state: 'SP',
    is_icp_match: true,
    ...more,
  })
  await m.give({
    'marts.dim_companies': {
      columns,
      rows: [
        company('DDDDDDD1000100', { revenue_usd: 1.5 }),
        company('DDDDDDD1000200', { is_icp_match: null }),
        company('DDDDDDD2000100'),
        company('DDDDDDD2000200', { employee_count: 30 }),
        company(null, { is_icp_match: false }),
        company(null),
      ],
    },
  })
  expect(await m.ask('market_by_state_and_size')).toEqual([
    { country: 'BR', state: 'SP', size: '6. micro (porte)', companies: 2, known_to_fit: 1, revenue_usd: '1.50' },
    { country: 'BR', state: 'SP', size: '2. 10 to 49', companies: 1, known_to_fit: 1, revenue_usd: null },
    {
      country: 'BR',
      state: 'SP',
      size: '8. medium or large (porte)',
      companies: 1,
      known_to_fit: 1,
      revenue_usd: null,
    },
    { country: 'BR', state: 'SP', size: '9. unknown', companies: 1, known_to_fit: 1, revenue_usd: null },
  ])
})
