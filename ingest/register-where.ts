import { quoteLiteral } from '../pipeline/table.ts'
import type { Activities, Pushdown, PushedDown } from './bulk.ts'
import { yearsBefore } from './icp-register.ts'
import type { RegisterOnly } from './register-filter.ts'

/** The CNAE codes of an establishment as it landed, the principal one first. */
const CODES = `list_concat(if(length(cnae_fiscal_principal) = 7, [cnae_fiscal_principal], []), coalesce(cnaes_secundarias, []))`
const PRINCIPAL = `if(length(cnae_fiscal_principal) = 7, cnae_fiscal_principal, cnaes_secundarias[1])`

const list = (values: readonly string[]) => values.map(quoteLiteral).join(', ')
const isIn = (column: string, values: readonly string[]) =>
  values.length === 0 ? 'false' : `${column} in (${list(values)})`
const unknownOr = (column: string, condition: string) => `(${column} is null or ${condition})`
const allOf = (conditions: readonly string[]) => (conditions.length === 0 ? 'true' : conditions.join(' and '))
const beginsWith = (text: string, prefixes: readonly string[]) =>
  prefixes.length === 0
    ? 'false'
    : `(${prefixes.map((prefix) => `starts_with(${text}, ${quoteLiteral(prefix)})`).join(' or ')})`
const day = (yyyymmdd: string) => `date '${yyyymmdd.slice(0, 4)}-${yyyymmdd.slice(4, 6)}-${yyyymmdd.slice(6)}'`

/** `wantedEstablishment` as SQL over what landed; undefined when all are wanted. */
export function establishmentsWhere(
  { situacao, municipios, age_years }: RegisterOnly,
  as_of: string,
  { rules, states, municipios: inIcp, all }: PushedDown,
  activities: Activities,
): string | undefined {
  if (situacao.length === 0 && municipios === undefined && age_years === undefined && all) return undefined
  const conditions: string[] = []
  if (situacao.length > 0) conditions.push(isIn('situacao_cadastral', situacao))
  if (states !== undefined) conditions.push(unknownOr('uf', isIn('uf', states)))
  for (const places of [municipios, inIcp])
    if (places !== undefined) conditions.push(unknownOr('municipio', isIn('municipio', places)))
  if (age_years !== undefined) {
    const { min, max } = age_years
    const bounds = [
      ...(max === undefined ? [] : [`data_inicio_atividade >= ${day(yearsBefore(as_of, max))}`]),
      ...(min === undefined ? [] : [`data_inicio_atividade <= ${day(yearsBefore(as_of, min))}`]),
    ]
    conditions.push(unknownOr('data_inicio_atividade', allOf(bounds)))
  }
  const passes = rules.map((rule) => `(${allOf(ruleConditions(rule, as_of, activities))})`)
  if (!all) conditions.push(passes.length === 0 ? 'false' : `(${passes.join(' or ')})`)
  return allOf(conditions)
}

/** What one profile asks of an establishment: unknown keeps nobody out, and a branch may be younger than its company. */
function ruleConditions(rule: Pushdown, as_of: string, activities: Activities): string[] {
  const { states, cnae, industries, municipios, age_years } = rule
  const conditions: string[] = []
  if (states !== undefined) conditions.push(unknownOr('uf', isIn('uf', states)))
  if (municipios !== undefined) conditions.push(unknownOr('municipio', isIn('municipio', municipios)))
  if (age_years !== undefined) {
    const { min, max } = age_years
    if (max !== undefined)
      conditions.push(unknownOr('data_inicio_atividade', `data_inicio_atividade >= ${day(yearsBefore(as_of, max))}`))
    if (min !== undefined) {
      const old = `(data_inicio_atividade <= ${day(yearsBefore(as_of, min))} or identificador_matriz_filial is distinct from '1')`
      conditions.push(unknownOr('data_inicio_atividade', old))
    }
  }
  if (cnae !== undefined)
    conditions.push(
      unknownOr(PRINCIPAL, `list_bool_or(list_transform(${CODES}, lambda code: ${beginsWith('code', cnae)}))`),
    )
  if (industries !== undefined) conditions.push(industryPasses(industries, activities))
  return conditions
}

/** The longest known prefix of the principal code says the industry; none known says nothing. */
function industryPasses(industries: readonly string[], activities: Activities): string {
  const lengths = [...new Set([...activities.keys()].map((prefix) => prefix.length))].sort((a, b) => b - a)
  const cases = lengths.flatMap((length) =>
    [true, false].flatMap((passes) => {
      const prefixes = [...activities].filter(
        ([prefix, industry]) => prefix.length === length && industries.includes(industry) === passes,
      )
      if (prefixes.length === 0) return []
      return [`when left(${PRINCIPAL}, ${length}) in (${list(prefixes.map(([prefix]) => prefix))}) then ${passes}`]
    }),
  )
  return cases.length === 0 ? 'true' : `case ${cases.join(' ')} else true end`
}

/** `wantedCompany` as SQL; undefined when all are wanted. */
export function companiesWhere(only: RegisterOnly, { rules }: PushedDown): string | undefined {
  const always = companyConditions(only)
  const wanted = rules.map((rule) => companyConditions({ ...rule, porte: rule.porte && [...rule.porte, '00'] }))
  const byIcp = wanted.length > 0 && wanted.every((conditions) => conditions.length > 0)
  if (always.length === 0 && !byIcp) return undefined
  return allOf([...always, ...(byIcp ? [`(${wanted.map((one) => `(${allOf(one)})`).join(' or ')})`] : [])])
}

function companyConditions({
  porte,
  naturezas,
  capital,
}: Pick<RegisterOnly, 'porte' | 'naturezas' | 'capital'>): string[] {
  const { min, max } = capital ?? {}
  return [
    ...(porte === undefined ? [] : [unknownOr('porte', isIn('porte', porte))]),
    ...(naturezas === undefined ? [] : [unknownOr('natureza_juridica', beginsWith('natureza_juridica', naturezas))]),
    ...(min === undefined ? [] : [unknownOr('capital_social', `capital_social >= ${min}`)]),
    ...(max === undefined ? [] : [unknownOr('capital_social', `capital_social <= ${max}`)]),
  ]
}
