import { z } from 'zod'
import { defineProvider, normalizeCnpj, withoutCpf } from '../define.ts'

const text = z.string().nullish()
/** Codes are numbers here, which costs them their leading zeros: staging gives them back. */
const code = z.int().nullish()
const day = z.iso.date().nullish()
const list = z.unknown().nullish()

const establishment = z.object({
  subject_id: z.string(),
  cnpj: z.string(),
  ...{ razao_social: text, nome_fantasia: text, identificador_matriz_filial: code },
  ...{ descricao_identificador_matriz_filial: text, situacao_cadastral: code, descricao_situacao_cadastral: text },
  ...{ data_situacao_cadastral: day, motivo_situacao_cadastral: code, descricao_motivo_situacao_cadastral: text },
  ...{ situacao_especial: text, data_situacao_especial: day, data_inicio_atividade: day },
  ...{ cnae_fiscal: code, cnae_fiscal_descricao: text, cnaes_secundarios: list },
  ...{
    codigo_natureza_juridica: code,
    natureza_juridica: text,
    codigo_porte: code,
    porte: text,
    descricao_porte: text,
  },
  /** A single-precision number at the source: exact to seven digits. */
  capital_social: z.number().nullish(),
  ...{ opcao_pelo_simples: z.boolean().nullish(), data_opcao_pelo_simples: day, data_exclusao_do_simples: day },
  ...{ opcao_pelo_mei: z.boolean().nullish(), data_opcao_pelo_mei: day, data_exclusao_do_mei: day },
  ...{ regime_tributario: list, ente_federativo_responsavel: text, qualificacao_do_responsavel: code },
  ...{ descricao_tipo_de_logradouro: text, logradouro: text, numero: text, complemento: text, bairro: text, cep: text },
  ...{ uf: text, municipio: text, codigo_municipio: code, codigo_municipio_ibge: code, nome_cidade_no_exterior: text },
  ...{ codigo_pais: code, pais: text, email: text, ddd_telefone_1: text, ddd_telefone_2: text, ddd_fax: text },
  /** Partners; their CPF comes masked. */
  qsa: list,
})

const said = z.looseObject({ message: z.string() })

/**
 * One CNPJ at a time, to refresh what the monthly dump says. `base_url` may name a server of one's own, or BrasilAPI,
 * which hands the same answers on (`https://brasilapi.com.br/api/cnpj/v1`) and asks not to be crawled.
 */
export default defineProvider({
  title: 'Minha Receita',
  docs: 'https://docs.minhareceita.org/como-usar/',
  settings: z.strictObject({
    base_url: z.url().default('https://minhareceita.org'),
    /** What its host can bear; your own bears more. */
    per_second: z.number().positive().max(1000).default(2),
  }),
  http: ({ base_url, per_second }) => ({
    base_url,
    limits: { per_second },
    // "não encontrado" and "inválido" are answers; any other refusal comes from what stands in front of it.
    meaning({ status, data }) {
      if (status === 403) return 'later'
      return [400, 404].includes(status) && !said.safeParse(data).success ? 'refused' : undefined
    },
  }),
  async check({ http }) {
    await http.send({ path: '/00000000000191' })
    return 'it answers; free'
  },
  resources: {
    companies: {
      description: 'What the register of the Receita Federal says of one CNPJ.',
      row: establishment,
      key: ['subject_id'],
      write: 'merge',
      needs: ['cnpj'],
      fills: { registry: { hit: ({ situacao_cadastral }) => situacao_cadastral !== null } },
      legal_basis: 'public_record',
      pii: ['razao_social', 'nome_fantasia', 'email', 'ddd_telefone_1', 'ddd_telefone_2', 'ddd_fax', 'qsa'],
      async *pages({ http, subjects }) {
        for (const { subject_id, company_id, cnpj } of subjects) {
          if (cnpj === null) continue
          const asked = normalizeCnpj(cnpj)
          const request = { path: `/${asked}`, field: 'registry', company_id, ttl_days: 1 }
          const found = await http.send(request, [200, 400, 404])
          if (found.status === 200) yield [{ subject_id, ...withoutCpfs(found.json() as Record<string, unknown>) }]
        }
      },
    },
  },
})

/** A one-person company's name ends in its owner's CPF. */
function withoutCpfs(record: Record<string, unknown>): Record<string, unknown> {
  const mended = ['razao_social', 'nome_fantasia'].flatMap((name) =>
    typeof record[name] === 'string' ? [[name, withoutCpf(record[name])]] : [],
  )
  return { ...record, ...(Object.fromEntries(mended) as Record<string, string>) }
}
