import { z } from 'zod'
import { amountOf } from './register-bytes.ts'

const codes = (form: RegExp, wanted: string) =>
  z.array(z.string().regex(form, `must be ${wanted} in quotes`)).optional()
const range = z.strictObject({ min: z.number().optional(), max: z.number().optional() }).optional()

/** What a row of the register must be for more than the ICP, which knows activity and state: `only:` of the provider. */
export const registerOnly = z.strictObject({
  /** `02` is active. */
  situacao: z.array(z.string().regex(/^\d{2}$/, 'must be two digits in quotes')).default(['02']),
  /** SIAFI codes. */
  municipios: codes(/^\d{4}$/, 'a SIAFI code of four digits'),
  /** `01` micro, `03` small, `05` other, `00` not said. */
  porte: codes(/^\d{2}$/, 'two digits'),
  /** Prefixes: `206`, `2062`. */
  naturezas: codes(/^\d{1,4}$/, 'one to four digits'),
  /** BRL. */
  capital: range,
  /** Years since the establishment opened, at the snapshot's date. */
  age_years: range,
})
export type RegisterOnly = z.output<typeof registerOnly>

interface Fields {
  field(index: number): string
}

/** Places of what is looked at in an establishment's row, and in a company's. */
const AT = { situacao: 5, inicio: 10, cnae: 11, other_cnaes: 12, uf: 19, municipio: 20 }
const OF_COMPANY = { natureza: 2, capital: 4, porte: 5 }

/** Which establishments are wanted. Only what is known to fail is refused; the status is always known. */
export function wantedEstablishment(
  { situacao, municipios, age_years }: RegisterOnly,
  as_of: string,
  mayPass: (state: string, codes: readonly string[]) => boolean,
): (row: Fields) => boolean {
  const statuses = new Set(situacao)
  const places = municipios && new Set(municipios)
  const opened = age_years && {
    from: age_years.max === undefined ? '' : yearsBefore(as_of, age_years.max),
    to: age_years.min === undefined ? '9' : yearsBefore(as_of, age_years.min),
  }
  return (row) => {
    if (!statuses.has(row.field(AT.situacao))) return false
    if (places !== undefined && !isIn(places, row.field(AT.municipio))) return false
    if (opened !== undefined) {
      const day = row.field(AT.inicio)
      if (/^[12]\d{7}$/.test(day) && (day < opened.from || day > opened.to)) return false
    }
    const codes = `${row.field(AT.cnae)},${row.field(AT.other_cnaes)}`.match(/\d{7}/g) ?? []
    return mayPass(row.field(AT.uf), codes)
  }
}

/** Which companies are wanted; undefined when all are, so that their files need not be read first. */
export function wantedCompany({ porte, naturezas, capital }: RegisterOnly): ((row: Fields) => boolean) | undefined {
  if (porte === undefined && naturezas === undefined && capital === undefined) return undefined
  const sizes = porte && new Set(porte)
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = capital ?? {}
  return (row) => {
    if (sizes !== undefined && !isIn(sizes, row.field(OF_COMPANY.porte))) return false
    const natureza = row.field(OF_COMPANY.natureza)
    if (natureza !== '' && naturezas?.some((prefix) => natureza.startsWith(prefix)) === false) return false
    if (capital === undefined) return true
    const amount = Number(amountOf(row.field(OF_COMPANY.capital)) ?? Number.NaN)
    return !(amount < min || amount > max)
  }
}

function isIn(wanted: ReadonlySet<string>, code: string): boolean {
  return code === '' || wanted.has(code)
}

/** `20211108`, two and a half years before `2024-05-08` (a year is 365.25 days). */
function yearsBefore(as_of: string, years: number): string {
  const then = Date.parse(`${as_of.slice(0, 10)}T00:00:00Z`) - years * 365.25 * 86_400_000
  return new Date(then).toISOString().slice(0, 10).replaceAll('-', '')
}
