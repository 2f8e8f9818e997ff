import { z } from 'zod'
import { defineProvider, normalizeCnpj, withoutCpf } from '../define.ts'

/** Everything is text, and what is unknown is empty. */
const text = z.string().nullish()
const list = z.unknown().nullish()

const establishment = z.object({
  subject_id: z.string(),
  cnpj: z.string(),
  ...{ razao_social: text, nome_fantasia: text, matriz_filial: text, situacao_cadastral: text },
  ...{ data_situacao_cadastral: text, data_inicio_atividade: text, cnae_principal: text },
  cnaes_secundarios: z.array(z.string()).nullish(),
  ...{ natureza_juridica: text, porte_empresa: text, capital_social: text },
  ...{ opcao_simples: text, data_opcao_simples: text, opcao_mei: text, data_opcao_mei: text },
  ...{ tipo_logradouro: text, logradouro: text, numero: text, complemento: text, bairro: text, cep: text },
  ...{ uf: text, municipio: text, email: text, telefones: list, partners: list },
})

export default defineProvider({
  title: 'OpenCNPJ',
  docs: 'https://opencnpj.org/',
  settings: z.strictObject({
    base_url: z.url().default('https://api.opencnpj.org'),
    per_second: z.number().positive().max(1000).default(5),
  }),
  http: ({ base_url, per_second }) => ({ base_url, limits: { per_second } }),
  async check({ http }) {
    await http.send({ path: '/info' })
    return 'it answers; free'
  },
  resources: {
    companies: {
      description: 'What the register of the Receita Federal says of one CNPJ, e-mail included.',
      row: establishment,
      key: ['subject_id'],
      write: 'merge',
      needs: ['cnpj'],
      fills: { registry: { hit: ({ situacao_cadastral }) => (situacao_cadastral ?? '') !== '' } },
      legal_basis: 'public_record',
      pii: ['razao_social', 'nome_fantasia', 'email', 'telefones', 'partners'],
      async *pages({ http, subjects }) {
        for (const { subject_id, company_id, cnpj } of subjects) {
          if (cnpj === null) continue
          const asked = normalizeCnpj(cnpj)
          const request = { path: `/${asked}`, field: 'registry', company_id, ttl_days: 1 }
          const found = await http.send(request, [200, 400, 404])
          if (found.status !== 200) continue
          const { QSA, ...record } = found.json() as Record<string, unknown>
          yield [{ subject_id, ...withoutCpfs(record), partners: QSA }]
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
