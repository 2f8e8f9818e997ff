import { z } from 'zod'
import { bytes, defineProvider, pushdownOf, readLayout, register, share, withoutCpf } from '../define.ts'

/** A masked CPF is not unique even inside a company, so a partner's key is all that is said of them. */
const PARTNER =
  'cnpj_basico identificador_de_socio nome_socio cnpj_cpf_do_socio qualificacao_do_socio data_entrada_sociedade'
const PARTNER_KEY = PARTNER.split(' ').map((field) => `coalesce(trim(${field}), '')`)

const text = z.string().nullable()
const column = (duckdb: string, sql: string, more: object = {}) => text.meta({ duckdb, sql, ...more })
const blank = `nullif(rtrim({}), '')`
const CEP = `nullif(case strlen({}) when 8 then {} when 7 then '0' || {} end, '00000000')`
const LIST = `case when {} is null or starts_with({}, ' ') then []::varchar[] else string_split(rtrim({}), ',') end`
const types = {
  text,
  upper: column('VARCHAR', '{}', { mend: bytes.upperCase }),
  /** Without the CPF of a one-person company: it goes before a row is written anywhere. */
  name: column('VARCHAR', blank, { mend: bytes.blankCpf }),
  /** `***000000**` is nobody. */
  document: column('VARCHAR', `nullif({}, '***000000**')`, { mend: bytes.starCpf }),
  role: column('VARCHAR', `nullif({}, '00')`),
  cep: column('VARCHAR', CEP, { mend: bytes.digitsOfCep }),
  list: column('VARCHAR[]', LIST, { mend: bytes.listOfCnaes }),
  date: column('DATE', `date '1899-12-31' + nullif({}::integer, 0)`, { mend: bytes.dayNumber }),
  capital: column('DECIMAL(18,2)', 'try_cast({} as decimal(18, 2))', { mend: bytes.amountOfCapital }),
  cnpj: column('VARCHAR', 'cnpj_basico || cnpj_ordem || cnpj_dv', { derived: true }),
  partner: column('VARCHAR', `left(sha256(concat_ws(chr(31), ${PARTNER_KEY.join(', ')})), 20)`, { derived: true }),
}
const row = (layout: string) => readLayout(layout, types)

type Row = Parameters<typeof bytes.holdsCnpj>[0]
const checkCnpj = (row: Row) => (bytes.holdsCnpj(row) ? undefined : 'the check digits of the CNPJ are wrong')
const checkRoot = (row: Row) => (bytes.holdsRoot(row) ? undefined : 'cnpj_basico is not 8 letters or digits')
const checkCode = (row: Row) => (row.field(0) === '' ? 'the code is missing' : undefined)

const published = { write: 'replace' as const, redact: withoutCpf }
const ofCompany = { ...published, check: checkRoot, within: { table: 'estabelecimentos', column: 'cnpj_basico' } }
const ofLookup = { ...published, key: ['codigo'], row: row('codigo descricao'), check: checkCode, carried_over: true }

/** The month's zips apart from the lookups, which some months lack. */
const EXPECTED = [...'0123456789']
  .flatMap((part) => ['Empresas', 'Estabelecimentos', 'Socios'].map((name) => `${name}${part}.zip`))
  .concat('Simples.zip')

/** Codes in use that the published tables lack. */
const MOTIVOS = [['32', 'INEXISTENTE DE FATO - ADE/COSAR']]
const QUALIFICACOES = [['36', 'Gerente-Delegado']]

const tables = {
  empresas: {
    ...ofCompany,
    files: ['EMPRECSV', 'Empresas'],
    required: true,
    description: 'Companies (CNPJ roots) of which an establishment was landed; all where every establishment is.',
    key: ['cnpj_basico'],
    row: row(`cnpj_basico:upper razao_social:name natureza_juridica qualificacao_responsavel capital_social:capital porte
      ente_federativo_responsavel`),
    pii: ['razao_social'],
    legal_basis: 'public_record' as const,
  },
  estabelecimentos: {
    ...published,
    files: ['ESTABELE', 'Estabelecimentos'],
    required: true,
    description:
      'Active establishments that a profile of the ICP may want, by state and CNAE; and what became of those of the month before.',
    key: ['cnpj'],
    follow: ['cnpj_basico', 'cnpj_ordem', 'cnpj_dv'],
    partition: 'uf',
    check: checkCnpj,
    row: row(`cnpj_basico:upper cnpj_ordem:upper cnpj_dv identificador_matriz_filial nome_fantasia:name
      situacao_cadastral data_situacao_cadastral:date motivo_situacao_cadastral nome_cidade_exterior pais
      data_inicio_atividade:date cnae_fiscal_principal cnaes_secundarias:list tipo_logradouro logradouro numero
      complemento bairro cep:cep uf:upper municipio ddd_1 telefone_1 ddd_2 telefone_2 ddd_fax fax correio_eletronico
      situacao_especial data_situacao_especial:date cnpj:cnpj`),
    pii: ['nome_fantasia', 'telefone_1', 'telefone_2', 'fax', 'correio_eletronico'],
    legal_basis: 'public_record' as const,
  },
  socios: {
    ...ofCompany,
    files: ['SOCIOCSV', 'Socios'],
    description: 'Partners of those companies; none unless a profile has personas.',
    key: ['socio_key'],
    row: row(`cnpj_basico:upper identificador_de_socio nome_socio:name cnpj_cpf_do_socio:document qualificacao_do_socio
      data_entrada_sociedade:date pais representante_legal:document nome_do_representante:name
      qualificacao_do_representante:role faixa_etaria socio_key:partner`),
    pii: ['nome_socio', 'cnpj_cpf_do_socio', 'representante_legal', 'nome_do_representante', 'faixa_etaria'],
    legal_basis: 'public_record' as const,
  },
  simples: {
    ...ofCompany,
    files: ['SIMPLES', 'Simples'],
    description: 'Simples Nacional and MEI of those companies.',
    key: ['cnpj_basico'],
    row: row(`cnpj_basico:upper opcao_pelo_simples data_opcao:date data_exclusao:date opcao_pelo_mei data_opcao_mei:date
      data_exclusao_mei:date`),
  },
  cnaes: { ...ofLookup, files: ['CNAECSV', 'Cnaes'], description: 'Economic activities.' },
  motivos: { ...ofLookup, files: ['MOTICSV', 'Motivos'], description: 'Why a status.', extra: MOTIVOS },
  municipios: { ...ofLookup, files: ['MUNICCSV', 'Municipios'], description: 'Municipalities by SIAFI code.' },
  naturezas: { ...ofLookup, files: ['NATJUCSV', 'Naturezas'], description: 'Legal natures.' },
  paises: { ...ofLookup, files: ['PAISCSV', 'Paises'], description: 'Countries.' },
  qualificacoes: { ...ofLookup, files: ['QUALSCSV', 'Qualificacoes'], description: 'Roles.', extra: QUALIFICACOES },
}

export default defineProvider({
  title: 'Receita Federal: Cadastro Nacional da Pessoa Jurídica (open data)',
  docs: 'https://www.gov.br/receitafederal/dados/cnpj-metadados.pdf',
  settings: z.strictObject({
    ...share.registerSource,
    only: register.registerOnly.prefault({}),
    /** Months that stay in the lake: what changed is told from two. */
    keep_months: z.int().min(1).default(2),
  }),
  resources: tables,
  bulk: {
    version: share.sourceVersion,
    reads: ['cnae_industries'],
    async land(context) {
      const { only, keep_months } = context.settings
      const pushed = await pushdownOf(context, 'BR')
      const wanted = register.wantedRows(only, context.as_of, pushed)
      const set = {
        source: 'receita_federal',
        tables: Object.entries(tables).map(([table, layout]) => ({ table, ...layout, ...wanted[table] })),
        filter: JSON.stringify({ ...only, rules: pushed.rules, socios: pushed.personas }),
        dateOf: (member: string) => dateOf(member, Number(context.as_of.slice(0, 4))),
        keep_snapshots: keep_months,
      }
      return share.landSource(context, set, EXPECTED)
    },
  },
})

/** `D60808` in a member's name is 2026-08-08: of the latest year ending in 6 that has come. */
function dateOf(member: string, year: number): string | undefined {
  const [, digit, month, day] = /\.D(\d)(\d{2})(\d{2})(?:\.|$)/.exec(member) ?? []
  return digit && `${year - ((year - Number(digit) + 10) % 10)}-${month}-${day}`
}
