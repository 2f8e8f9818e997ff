import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Problem } from '../pipeline/errors.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import { readYaml, validate, type YamlFile } from '../pipeline/yaml.ts'
import { unknownCountry } from './countries.ts'
import { type Icp, icpSchema, type Profile, type Rules, rulesIn } from './icp.ts'
import { lintIcp } from './icp-lint.ts'

const STATES: Record<string, string> = {
  BR: 'AC AL AM AP BA CE DF ES GO MA MG MS MT PA PB PE PI PR RJ RN RO RR RS SC SE SP TO',
  US: `AK AL AR AZ CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH OK OR
    PA PR RI SC SD TN TX UT VA VT WA WI WV WY`,
}

/** Reads and checks an ICP file; undefined when it has problems, which are added with their lines. */
export function loadIcp(root: string, path: string, problems: Problem[]): Icp | undefined {
  const yaml = readYaml(root, join(root, path), problems)
  if (yaml === undefined) return undefined
  const icp = validate(icpSchema, yaml, problems)
  if (icp === undefined) return undefined
  const wrong = checkIcp(icp, yaml, root)
  problems.push(...wrong)
  return wrong.length === 0 ? icp : undefined
}

/** What a schema cannot say: names that exist nowhere, ranges upside down, profiles that ask for nothing. */
function checkIcp(icp: Icp, yaml: YamlFile, root: string): Problem[] {
  const check = new Check(yaml, root)
  const profiles = Object.entries(icp.profiles)
  if (profiles.length === 0) check.wrong(['profiles'], 'has no profile', 'Describe at least one kind of customer.')
  for (const [name, profile] of profiles) check.profile(['profiles', name], profile)
  const { domains, cnpj_roots, industries, name_contains } = icp.exclude
  check.each(['exclude', 'domains'], domains, (domain) =>
    /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(domain) ? undefined : 'Write the bare domain in lower case: acme.com.br.',
  )
  check.each(['exclude', 'cnpj_roots'], cnpj_roots, (cnpj) =>
    /^[0-9A-Z]{8}$/.test(cnpj) ? undefined : 'Write the first eight characters, in quotes, without punctuation.',
  )
  check.seeded(['exclude', 'industries'], industries, 'industries', 'industry')
  check.each(['exclude', 'name_contains'], name_contains, (text) =>
    text.trim().length >= 3 ? undefined : 'So short a text is in too many names: write at least three characters.',
  )
  const prefixes = columnOf(join(root, 'seeds', 'cnae_industries.csv'), 'cnae_prefix')
  for (const { path, message, hint } of lintIcp(icp, prefixes)) check.wrong(path, message, hint)
  return check.problems
}

type Path = readonly PropertyKey[]

class Check {
  readonly problems: Problem[] = []
  readonly #seeds = new Map<string, Set<string>>()

  constructor(
    readonly yaml: YamlFile,
    readonly root: string,
  ) {}

  wrong(path: Path, message: string, hint?: string): void {
    const where = path.map(String).join('.')
    this.problems.push({
      file: this.yaml.file,
      line: this.yaml.lineOf(path),
      message: `${where}: ${message}`,
      ...(hint === undefined ? {} : { hint }),
    })
  }

  /** Each value for which `mend` answers something is wrong. */
  each(path: Path, values: readonly string[], mend: (value: string) => string | undefined): void {
    for (const [index, value] of values.entries()) {
      const hint = mend(value)
      if (hint !== undefined) this.wrong([...path, index], `'${value}' cannot be used`, hint)
    }
  }

  /** Values must be in a column of a seed, as far as the project has that seed. */
  seeded(path: Path, values: readonly string[], seed: string, column: string): void {
    const known = this.#seed(seed, column)
    if (known.size === 0) return
    for (const [index, value] of values.entries()) {
      if (known.has(value)) continue
      const hint = didYouMean(value, known) ?? `The column ${column} of seeds/${seed}.csv has all of them.`
      this.wrong([...path, index], `unknown ${column} '${value}'`, hint)
    }
  }

  profile(path: Path, { hard, soft, personas }: Profile): void {
    if (rulesIn(hard).length === 0) {
      this.wrong([...path, 'hard'], 'has no rule, so that every company would match', 'Say what rules a company out.')
    }
    this.#rules([...path, 'hard'], hard, hard.countries)
    this.#rules([...path, 'soft'], soft, soft.countries ?? hard.countries)
    const names = new Set<string>()
    for (const [index, persona] of personas.entries()) {
      const at = [...path, 'personas', index]
      if (names.has(persona.name)) this.wrong([...at, 'name'], `'${persona.name}' is there twice`, 'Rename one.')
      names.add(persona.name)
      if (persona.titles.length + persona.seniorities.length + persona.departments.length === 0) {
        this.wrong(at, `'${persona.name}' asks for nothing`, 'Give it titles, seniorities or departments.')
      }
      this.seeded([...at, 'seniorities'], persona.seniorities, 'title_seniority', 'seniority')
      this.seeded([...at, 'departments'], persona.departments, 'title_departments', 'department')
    }
  }

  #rules(path: Path, rules: Rules, countries: readonly string[] | undefined): void {
    this.each([...path, 'countries'], rules.countries ?? [], unknownCountry)
    this.each([...path, 'states'], rules.states ?? [], (state) => unknownState(state, countries))
    this.seeded([...path, 'industries'], rules.industries ?? [], 'industries', 'industry')
    if (rules.revenue !== undefined && rules.revenue.currency !== 'USD') {
      const known = this.#seed('fx_rates', 'currency')
      const { currency } = rules.revenue
      if (known.size > 0 && !known.has(currency)) {
        const hint = `Add its rate to seeds/fx_rates.csv. ${didYouMean(currency, known) ?? ''}`.trim()
        this.wrong([...path, 'revenue', 'currency'], `no exchange rate for '${currency}'`, hint)
      }
    }
    for (const name of ['employees', 'revenue', 'founded', 'capital', 'age_years'] as const) {
      const { min, max } = rules[name] ?? {}
      if (min !== undefined && max !== undefined && min > max) {
        this.wrong([...path, name], `min ${min} is above max ${max}`, 'Swap them.')
      }
    }
    const wanted = new Set(rules.tech?.wanted.map((name) => name.toLowerCase()))
    this.each([...path, 'tech', 'unwanted'], rules.tech?.unwanted ?? [], (name) =>
      wanted.has(name.toLowerCase()) ? 'It is wanted as well: take it out of one list.' : undefined,
    )
  }

  #seed(name: string, column: string): Set<string> {
    const key = `${name}.${column}`
    const values = this.#seeds.get(key) ?? new Set(columnOf(join(this.root, 'seeds', `${name}.csv`), column))
    this.#seeds.set(key, values)
    return values
  }
}

function unknownState(state: string, countries: readonly string[] = []): string | undefined {
  const lists = countries.map((country) => STATES[country])
  if (lists.length === 0 || lists.includes(undefined)) return undefined
  const known = lists.join(' ').split(/\s+/)
  return known.includes(state) ? undefined : (didYouMean(state, known) ?? `Use the codes of ${countries.join(', ')}.`)
}

/** The values of one column of a small CSV file; none when there is no such file or column. */
function columnOf(path: string, column: string): string[] {
  if (!existsSync(path)) return []
  const [header = [], ...rows] = readFileSync(path, 'utf8').split(/\r?\n/).filter(Boolean).map(cells)
  const index = header.indexOf(column)
  return index < 0 ? [] : rows.flatMap((row) => row[index] ?? [])
}

function cells(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'),
  )
}
