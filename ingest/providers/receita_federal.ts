import { z } from 'zod'
import { defineProvider, folderVersion, isCnpj, landBulk, pushdownOf, readLayout, withoutCpf } from '../define.ts'

const DAY = `try_strptime({}, '%Y%m%d')::date`
const DATE = `case when regexp_full_match({}, '\\d{8}') and ${DAY} between date '1900-01-01' and date '{as_of}' then ${DAY} end`
/** `1061004829,23` or `1.061.004.829,23`; 999999999999 stands for not known. */
const PLAIN = `case when contains({}, ',') or regexp_full_match({}, '-?\\d{1,3}(\\.\\d{3})+') then replace(replace({}, '.', ''), ',', '.') else {} end`
const MONEY = `try_cast(${PLAIN} as decimal(18, 2))`
const CAPITAL = `case when ${MONEY} >= 0 and ${MONEY} < 999999999999 then ${MONEY} end`
/** A masked CPF is not unique even inside a company, so a partner's key is all that is said of them. */
const PARTNER =
  'cnpj_basico identificador_de_socio nome_socio cnpj_cpf_do_socio qualificacao_do_socio data_entrada_sociedade'
const PARTNER_KEY = PARTNER.split(' ').map((field) => `coalesce(${field}, '')`)

const text = z.string().nullable()
const column = (duckdb: string, sql: string, more: object = {}) => text.meta({ duckdb, sql, ...more })
const types = {
  text,
  upper: column('VARCHAR', 'upper({})'),
  /** The name of a one-person company ends with that person's CPF: it goes before anything is kept. */
  name: column('VARCHAR', `nullif(trim(regexp_replace({}, '(^|\\D)\\d{3}\\.?\\d{3}\\.?\\d{3}-?\\d{2}$', '\\1')), '')`),
  /** Published with the CPF masked; should it not be, it is masked here. `***000000**` is nobody. */
  document: column('VARCHAR', `nullif(upper(regexp_replace({}, '^\\d{3}(\\d{6})\\d{2}$', '***\\1**')), '***000000**')`),
  role: column('VARCHAR', `nullif({}, '00')`),
  cep: column('VARCHAR', `case when regexp_full_match({}, '\\d{7,8}') then nullif(lpad({}, 8, '0'), '00000000') end`),
  list: column('VARCHAR[]', `coalesce(regexp_extract_all({}, '\\d{7}'), []::varchar[])`),
  date: column('DATE', DATE, { count: ['absurd_dates', `{} not in ('0', '00000000') and (${DATE}) is null`] }),
  capital: column('DECIMAL(18,2)', CAPITAL, { count: ['absurd_capital', `{} is not null and (${CAPITAL}) is null`] }),
  cnpj: column('VARCHAR', 'upper(cnpj_basico || cnpj_ordem || cnpj_dv)', { derived: true }),
  partner: column('VARCHAR', `left(sha256(concat_ws(chr(31), ${PARTNER_KEY.join(', ')})), 20)`, { derived: true }),
}
const row = (layout: string) => readLayout(layout, types)

type Fields = { field(index: number): string }

function checkCnpj(fields: Fields): string | undefined {
  const cnpj = (fields.field(0) + fields.field(1) + fields.field(2)).replaceAll(' ', '').toUpperCase()
  return cnpj.length === 14 && isCnpj(cnpj) ? undefined : 'the check digits of the CNPJ are wrong'
}
const checkRoot = (fields: Fields) =>
  /^\s*[0-9A-Z]{8}\s*$/i.test(fields.field(0)) ? undefined : 'cnpj_basico is not 8 letters or digits'
const checkCode = (fields: Fields) => (fields.field(0) === '' ? 'the code is missing' : undefined)

const published = { write: 'replace' as const, redact: withoutCpf }
const ofCompany = { ...published, check: checkRoot, within: { table: 'estabelecimentos', column: 'cnpj_basico' } }
const ofLookup = { ...published, key: ['codigo'], row: row('codigo descricao'), check: checkCode, carried_over: true }

/** Codes in use that the published tables lack. */
const MOTIVOS = [['32', 'INEXISTENTE DE FATO - ADE/COSAR']]
const QUALIFICACOES = [['36', 'Gerente-Delegado']]

const tables = {
  empresas: {
    ...ofCompany,
    files: ['EMPRECSV', 'Empresas'],
    required: true,
    description: 'Companies (CNPJ roots) of which an establishment was landed.',
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
    description: 'Active establishments that a profile of the ICP may want, by state and CNAE.',
    key: ['cnpj'],
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

/** Places of what the filter looks at in an establishment's row. */
const AT = { status: 5, cnae: 11, other_cnaes: 12, uf: 19 }
const ACTIVE = '02'

export default defineProvider({
  title: 'Receita Federal: Cadastro Nacional da Pessoa Jurídica (open data)',
  docs: 'https://www.gov.br/receitafederal/dados/cnpj-metadados.pdf',
  settings: z.strictObject({ path: z.string() }),
  resources: tables,
  bulk: {
    version: ({ path }, root) => folderVersion(root, path),
    reads: ['cnae_industries'],
    async land(context) {
      const { rules, personas, mayPass } = await pushdownOf(context, 'BR')
      const keep = (fields: Fields) => {
        if (fields.field(AT.status) !== ACTIVE) return false
        const codes = `${fields.field(AT.cnae)},${fields.field(AT.other_cnaes)}`.match(/\d{7}/g) ?? []
        return mayPass(fields.field(AT.uf), codes)
      }
      const skip = rules.length === 0
      const some: Record<string, object> = { estabelecimentos: { skip, keep }, empresas: { skip }, simples: { skip } }
      some.socios = { skip: skip || !personas }
      return landBulk(context, {
        source: 'receita_federal',
        path: context.settings.path,
        tables: Object.entries(tables).map(([table, layout]) => ({ table, ...layout, ...some[table] })),
        filter: JSON.stringify({ situacao_cadastral: ACTIVE, rules, socios: personas }),
        dateOf: (member) => dateOf(member, Number(context.as_of.slice(0, 4))),
      })
    },
  },
})

/** `D60808` in a member's name is 2026-08-08: of the latest year ending in 6 that has come. */
function dateOf(member: string, year: number): string | undefined {
  const [, digit, month, day] = /\.D(\d)(\d{2})(\d{2})(?:\.|$)/.exec(member) ?? []
  return digit && `${year - ((year - Number(digit) + 10) % 10)}-${month}-${day}`
}
