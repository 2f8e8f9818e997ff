import type { Icp } from './icp.ts'
import { countryName, plainWords } from './likeness.ts'
import { eachList, type Range, WIDEST } from './paging.ts'

/** What a profile asks for, in words that vendors filter by. What it does not ask for is undefined. */
export interface Terms {
  /** `Brazil`. */
  countries?: string[]
  /** `it services`. */
  industries?: string[]
  /** `google_cloud`. At least one of them. */
  technologies?: string[]
  employees?: Range
  /** Only where it is given in USD: what a vendor has is in USD, and rates are not known here. */
  revenue_usd?: { min?: number; max?: number }
  /** Years. */
  founded?: { min?: number; max?: number }
  /** `series_a`. */
  funding_stages?: string[]
}

/** The hard rules of each profile; soft ones keep nobody out. */
export function termsOf(icp: Icp): Terms[] {
  return Object.values(icp.profiles).map(
    ({ hard: { countries, industries, tech, employees, revenue, founded, ...hard } }) => ({
      countries: some(countries?.map(countryName)),
      industries: some(industries?.map((name) => plainWords(name))),
      technologies: some(tech?.wanted.map(slug)),
      employees: bounds(employees) && { min: employees?.min ?? 1, max: employees?.max ?? WIDEST.max },
      revenue_usd: revenue?.currency === 'USD' ? bounds(revenue) : undefined,
      founded: bounds(founded),
      funding_stages: some(hard.funding_stages?.map(slug)),
    }),
  )
}

/** Pages of what a vendor lists when it is asked in words, for each profile; `most` rows of each. */
export function listedInWords<Row>(
  icp: Icp,
  { per_page, most }: { per_page: number; most: number },
  ask: (words: string, offset: number) => Promise<{ rows: Row[]; total: number }>,
): AsyncGenerator<Row[]> {
  return eachList([...new Set(termsOf(icp).map(inWords))], async function* (words) {
    let total = most
    for (let offset = 0; offset < total; offset += per_page) {
      const page = await ask(words, offset)
      total = page.rows.length === 0 ? 0 : Math.min(most, page.total)
      yield page.rows
    }
  })
}

/** `companies in Brazil, in it services, with 11 to 50 employees, using google cloud`: for vendors that are asked in words. */
export function inWords({ countries, industries, technologies, employees, founded }: Terms): string {
  const any = (list: readonly string[]) => list.map((name) => name.replaceAll('_', ' ')).join(' or ')
  const span = ({ min, max }: { min?: number; max?: number }, most = Number.POSITIVE_INFINITY) =>
    max === undefined || max >= most ? `${min} or more` : `${min ?? 0} to ${max}`
  return [
    `companies${countries ? ` in ${any(countries)}` : ''}`,
    ...(industries ? [`in ${any(industries)}`] : []),
    ...(employees ? [`with ${span(employees, WIDEST.max)} employees`] : []),
    ...(technologies ? [`using ${any(technologies)}`] : []),
    ...(founded ? [`founded ${span(founded)}`] : []),
  ].join(', ')
}

/** Each technology that a profile wants, in each of its countries, once: for vendors that list who uses one. */
export function wantedOf(icp: Icp): { technology: string; country?: string; employees_min?: number }[] {
  const all = Object.values(icp.profiles).flatMap(({ hard: { tech, countries, employees } }) =>
    (tech?.wanted ?? []).flatMap((technology) =>
      (some(countries) ?? [undefined]).map((country) => ({ technology, country, employees_min: employees?.min })),
    ),
  )
  return [...new Map(all.map((each) => [JSON.stringify(each), each])).values()]
}

/** The same under the names that a vendor gives to its filters; headcount apart, since long lists are split by it. */
export function filtersOf(
  icp: Icp,
  names: Partial<Record<keyof Terms, string>>,
): { filter: Record<string, unknown>; employees: Range | undefined }[] {
  return termsOf(icp).map((terms) => {
    const named = Object.entries(names).map(([term, name]) => [name, terms[term as keyof Terms]])
    return { filter: Object.fromEntries(named), employees: terms.employees }
  })
}

/** Names of the bands (`name`, from, to) that a range touches; undefined where there is no range. */
export function bandsOf(
  bands: readonly (readonly (string | number)[])[],
  range: { min?: number; max?: number } | undefined,
): string[] | undefined {
  const { min = 0, max = Number.POSITIVE_INFINITY } = range ?? {}
  const touched = bands.filter(([, from, to]) => Number(to) >= min && Number(from) <= max)
  return range && touched.map(([name]) => String(name))
}

/** Whom any profile wants, asked for in two ways: by title, and by seniority as a vendor calls it. Anybody, where no profile says. */
export function personasOf(
  icp: Icp,
  seniorities: Readonly<Record<string, string>>,
): Partial<Record<'titles' | 'seniorities', string[]>>[] {
  const all = Object.values(icp.profiles).flatMap(({ personas }) => personas)
  const titles = some(distinct(all.flatMap((each) => each.titles)))
  const ranks = some(distinct(all.flatMap((each) => each.seniorities.flatMap((name) => seniorities[name] ?? []))))
  if (titles === undefined && ranks === undefined) return [{}]
  return [...(titles === undefined ? [] : [{ titles }]), ...(ranks === undefined ? [] : [{ seniorities: ranks }])]
}

const slug = (text: string) => plainWords(text).replaceAll(' ', '_')
const distinct = (list: readonly string[]) => [...new Set(list)].sort()

function some(list: string[] | undefined): string[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list
}

function bounds(range: { min?: number; max?: number } = {}): { min?: number; max?: number } | undefined {
  const { min, max } = range
  if (min === undefined && max === undefined) return undefined
  return { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) }
}
