import { z } from 'zod'
import type { SplitRow } from '../pipeline/bulk/splitter.ts'
import type { Pushdown, PushedDown } from './bulk.ts'
import { yearsBefore } from './icp-register.ts'
import { amountOf } from './register-bytes.ts'

const codes = (form: RegExp, wanted: string) =>
  z.array(z.string().regex(form, `must be ${wanted} in quotes`)).optional()
const range = z.strictObject({ min: z.number().optional(), max: z.number().optional() }).optional()

/** What a row of the register must be whatever the ICP says: `only:` of the provider. */
export const registerOnly = z.strictObject({
  /** `02` is active. None: whatever it is. */
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

type Row = Pick<SplitRow, 'buffer' | 'starts' | 'ends' | 'field'>

/** Places of what is looked at in an establishment's row, and in a company's. */
const AT = { matriz: 3, situacao: 5, inicio: 10, cnae: 11, other_cnaes: 12, uf: 19, municipio: 20 }
const OF_COMPANY = { natureza: 2, capital: 4, porte: 5 }

/**
 * Which establishments are wanted; undefined when all are. Only what is known to fail is refused; the status is always
 * known. Sees every row, so what refuses most comes first and reads bytes.
 */
export function wantedEstablishment(
  { situacao, municipios, age_years }: RegisterOnly,
  as_of: string,
  { rules, mayPass, states, municipios: inIcp, all }: PushedDown,
): ((row: Row) => boolean) | undefined {
  if (situacao.length === 0 && municipios === undefined && age_years === undefined && all) return undefined
  const hasStatus = among(situacao)
  const inState = states && among(states)
  const places = municipios && among(municipios)
  const wantedPlaces = inIcp && among(inIcp)
  const tests = rules.map((rule) => [rule, meetsRule(rule, as_of)] as const)
  const meets = tests.some(([, test]) => test !== undefined) ? new Map(tests) : undefined
  const opened = age_years && {
    from: age_years.max === undefined ? '' : yearsBefore(as_of, age_years.max),
    to: age_years.min === undefined ? '9' : yearsBefore(as_of, age_years.min),
  }
  return (row) => {
    if (situacao.length > 0 && !hasStatus(row, AT.situacao)) return false
    if (inState !== undefined && !isEmpty(row, AT.uf) && !inState(row, AT.uf)) return false
    if (places !== undefined && !isEmpty(row, AT.municipio) && !places(row, AT.municipio)) return false
    if (wantedPlaces !== undefined && !isEmpty(row, AT.municipio) && !wantedPlaces(row, AT.municipio)) return false
    if (opened !== undefined) {
      const day = row.field(AT.inicio)
      if (/^[12]\d{7}$/.test(day) && (day < opened.from || day > opened.to)) return false
    }
    if (all) return true
    const codes = `${row.field(AT.cnae)},${row.field(AT.other_cnaes)}`.match(/\d{7}/g) ?? []
    return mayPass(row.field(AT.uf), codes, meets && ((rule) => meets.get(rule)?.(row) ?? true))
  }
}

/** What a profile asks of an establishment beside state and activity; undefined when nothing. A branch may be younger than its company. */
function meetsRule({ municipios, age_years }: Pushdown, as_of: string): ((row: Row) => boolean) | undefined {
  if (municipios === undefined && age_years === undefined) return undefined
  const places = municipios && among(municipios)
  const { min, max } = age_years ?? {}
  const from = max === undefined ? '' : yearsBefore(as_of, max)
  const to = min === undefined ? '9' : yearsBefore(as_of, min)
  return (row) => {
    if (places !== undefined && !isEmpty(row, AT.municipio) && !places(row, AT.municipio)) return false
    const day = row.field(AT.inicio)
    if (!/^[12]\d{7}$/.test(day)) return true
    return day >= from && (day <= to || row.field(AT.matriz) !== '1')
  }
}

/** Which companies are wanted; undefined when all are, so that their files need not be read first. */
export function wantedCompany(only: RegisterOnly, { rules }: PushedDown): ((row: Fields) => boolean) | undefined {
  const always = companyTest(only)
  // Porte 00 says nothing: to a profile it is unknown.
  const wanted = rules.map((rule) => companyTest({ ...rule, porte: rule.porte && [...rule.porte, '00'] }))
  const some = wanted.filter((test) => test !== undefined)
  const byIcp = some.length > 0 && some.length === wanted.length
  if (always === undefined && !byIcp) return undefined
  return (row) => always?.(row) !== false && (!byIcp || some.some((test) => test(row)))
}

type OfCompany = Pick<RegisterOnly, 'porte' | 'naturezas' | 'capital'>

function companyTest({ porte, naturezas, capital }: OfCompany): ((row: Fields) => boolean) | undefined {
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

function isEmpty({ starts, ends }: Row, place: number): boolean {
  return starts[place] === ends[place]
}

/** Whether a field is one of some codes of up to four ASCII letters or digits, in either case. */
function among(codes: readonly string[]): (row: Row, place: number) => boolean {
  const packed = new Set(codes.map((code) => pack(Buffer.from(code), 0, code.length)))
  return ({ buffer, starts, ends }, place) => packed.has(pack(buffer, starts[place]!, ends[place]!))
}

function pack(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 4) return -1
  let number = 1
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    number = number * 256 + (byte >= 97 && byte <= 122 ? byte - 32 : byte)
  }
  return number
}

function isIn(wanted: ReadonlySet<string>, code: string): boolean {
  return code === '' || wanted.has(code)
}
