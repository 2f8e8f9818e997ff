import { z } from 'zod'
import { quoteLiteral } from '../pipeline/table.ts'

const codes = (form: RegExp, wanted: string) =>
  z.array(z.string().regex(form, `must be ${wanted} in quotes`)).optional()
const range = z.strictObject({ min: z.number().nonnegative().optional(), max: z.number().nonnegative().optional() })

/** What only the Brazilian register knows. A source that reads the register holds it against each row before it lands. */
export const registerRules = {
  /** SIAFI codes of municipalities, in one of which it has an establishment: `7107` is São Paulo. */
  municipios: codes(/^\d{4}$/, 'a SIAFI code of four digits'),
  /** Size: `01` micro, `03` small, `05` other. */
  porte: codes(/^0[135]$/, '01, 03 or 05'),
  /** Prefixes of legal natures: `206`, `2062`. */
  naturezas: codes(/^\d{1,4}$/, 'one to four digits'),
  /** Registered capital, BRL. */
  capital: range.optional(),
  /** Years since the head office began its activity. */
  age_years: range.optional(),
}

export const REGISTER_RULES = ['municipios', 'porte', 'naturezas', 'capital', 'age_years'] as const
export type RegisterRule = (typeof REGISTER_RULES)[number]
export type RegisterRules = z.output<z.ZodObject<typeof registerRules>>

/** The model that knows, for each CNPJ root, what these rules ask for. */
export const REGISTERED = 'int_companies_registered'

/** True, false, or NULL, of the company whose `cnpj_root` is in scope. */
export function registerCondition(rule: RegisterRule, rules: RegisterRules, as_of: string): string {
  return `(
            select ${conditionOf(rule, rules, as_of)} from intermediate.${REGISTERED} as registered
            where registered.cnpj_root = companies.cnpj_root
        )`
}

function conditionOf(rule: RegisterRule, rules: RegisterRules, as_of: string): string {
  switch (rule) {
    case 'municipios':
      return `list_has_any(registered.municipality_codes, [${rules.municipios!.map(quoteLiteral).join(', ')}])`
    case 'porte':
      return `registered.size_class_code in (${rules.porte!.map(quoteLiteral).join(', ')})`
    case 'naturezas':
      return `(${rules.naturezas!.map((prefix) => `starts_with(registered.legal_nature_code, ${quoteLiteral(prefix)})`).join(' or ')})`
    case 'capital':
      return both(
        rules.capital!.min === undefined ? undefined : `registered.share_capital_brl >= ${rules.capital!.min}`,
        rules.capital!.max === undefined ? undefined : `registered.share_capital_brl <= ${rules.capital!.max}`,
      )
    case 'age_years': {
      const { min, max } = rules.age_years!
      const day = (years: number) => `date ${quoteLiteral(isoDay(yearsBefore(as_of, years)))}`
      // A company is no younger than its branches: where the head office has not landed, they decide what they can.
      return both(
        min === undefined
          ? undefined
          : `coalesce(registered.started_on <= ${day(min)}, if(registered.branch_started_on <= ${day(min)}, true, null))`,
        max === undefined
          ? undefined
          : `coalesce(registered.started_on >= ${day(max)}, if(registered.branch_started_on < ${day(max)}, false, null))`,
      )
    }
  }
}

const both = (...conditions: (string | undefined)[]) =>
  `(${conditions.filter((condition) => condition !== undefined).join(' and ')})`
const isoDay = (day: string) => `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`

/** `20211108`, two and a half years before `2024-05-08` (a year is 365.25 days). */
export function yearsBefore(as_of: string, years: number): string {
  const then = Date.parse(`${as_of.slice(0, 10)}T00:00:00Z`) - years * 365.25 * 86_400_000
  return new Date(then).toISOString().slice(0, 10).replaceAll('-', '')
}
