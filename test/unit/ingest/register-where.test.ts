import fc from 'fast-check'
import { expect, it } from 'vitest'
import { mayPass, type Pushdown, type PushedDown } from '../../../ingest/bulk.ts'
import { registerOnly, wantedCompany, wantedEstablishment } from '../../../ingest/register-filter.ts'
import { companiesWhere, establishmentsWhere } from '../../../ingest/register-where.ts'
import { openDatabase } from '../../../pipeline/warehouse/duckdb.ts'

const AS_OF = '2026-01-31'
const ACTIVITIES = new Map([
  ['62', 'software'],
  ['6204', 'it_services'],
  ['56', 'food'],
])
const some = <T>(...values: T[]) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 }), { nil: undefined })
const range = (max: number) =>
  fc.option(fc.record({ min: fc.integer({ min: 0, max }), max: fc.integer({ min: 0, max }) }, { requiredKeys: [] }), {
    nil: undefined,
  })
const rules: fc.Arbitrary<Pushdown> = fc.record({
  states: some('SP', 'RJ'),
  cnae: some('62', '5611201', '49'),
  industries: some('software', 'it_services', 'food'),
  municipios: some('7107', '6001'),
  age_years: range(30),
  porte: some('01', '05'),
  naturezas: some('206', '2135'),
  capital: range(2000),
})
const only = fc.record({
  situacao: fc.uniqueArray(fc.constantFrom('02', '08'), { maxLength: 2 }),
  municipios: some('7107', '9701'),
  age_years: range(30),
  porte: some('00', '03', '05'),
  naturezas: some('2', '213'),
  capital: range(2000),
})
const CODES = ['6201501', '6204000', '5611201', '4930202', '9430800']
const row = fc.record({
  matriz: fc.constantFrom('1', '2'),
  situacao: fc.constantFrom('02', '08', ''),
  inicio: fc.constantFrom('', '19950630', '20040522', '20160131', '20240701', '20260115'),
  cnae: fc.constantFrom('', ...CODES),
  others: fc.uniqueArray(fc.constantFrom(...CODES), { maxLength: 2 }),
  uf: fc.constantFrom('', 'SP', 'RJ', 'EX'),
  municipio: fc.constantFrom('', '7107', '6001', '9701'),
  natureza: fc.constantFrom('', '2062', '2135', '2011'),
  capital: fc.constantFrom('', '0.00', '1000.00', '1999.99'),
  porte: fc.constantFrom('', '00', '01', '03', '05'),
})

function asRow(fields: Record<number, string>, width: number) {
  const list = Array.from({ length: width }, (_, index) => fields[index] ?? '')
  const starts = new Int32Array(width)
  const ends = new Int32Array(width)
  let at = 0
  for (const [index, text] of list.entries()) {
    starts[index] = at
    ends[index] = at += text.length
    at++
  }
  return { buffer: Buffer.from(list.join(';')), starts, ends, field: (index: number) => list[index]! }
}

/** What the ICP's rules come to, as `pushdownOf` works it out. */
function pushedDown(all: Pushdown[]): PushedDown {
  const together = (name: 'states' | 'municipios') =>
    all.some((rule) => rule[name] === undefined) ? undefined : all.flatMap((rule) => rule[name]!)
  return {
    rules: all,
    states: together('states'),
    municipios: together('municipios'),
    all: all.some(
      (rule) => (rule.states ?? rule.cnae ?? rule.industries ?? rule.municipios ?? rule.age_years) === undefined,
    ),
    mayPass: (state, codes, meets = () => true) =>
      all.some((rule) => meets(rule) && mayPass(rule, state, codes, ACTIVITIES)),
  }
}

it('what is wanted of the rows of a file is wanted of the same rows as they landed', async () => {
  const database = await openDatabase()
  const connection = await database.connect()
  const text = (column: string) => `nullif(json ->> '$.${column}', '') as ${column}`
  const sample = fc.sample(row, { numRuns: 250, seed: 7 })
  await connection.run(
    `create table landed as select * exclude (inicio, cnae, others, capital, situacao, matriz, natureza),
        matriz as identificador_matriz_filial, situacao as situacao_cadastral, cnae as cnae_fiscal_principal, natureza as natureza_juridica,
        strptime(inicio, '%Y%m%d')::date as data_inicio_atividade, capital::decimal(18, 2) as capital_social,
        coalesce(string_split(nullif(others, ''), ','), []) as cnaes_secundarias
      from (select row_number() over () as r, ${Object.keys(sample[0]!)
        .filter((name) => name !== 'others')
        .map(text)
        .join(', ')}, json ->> '$.others' as others
            from (select unnest($1::json[]) as json))`,
    [JSON.stringify(sample.map((one) => ({ ...one, others: one.others.join(',') })))],
  )
  const chosen = async (where: string | undefined) =>
    (await connection.rows<{ r: number }>(`select r from landed where ${where ?? 'true'} order by r`)).map(({ r }) => r)
  const kept = (passes: (one: (typeof sample)[number]) => boolean) =>
    sample.flatMap((one, index) => (passes(one) ? [index + 1] : []))
  const property = fc.asyncProperty(only, fc.array(rules, { minLength: 1, maxLength: 3 }), async (said, icp) => {
    const settings = registerOnly.parse(said)
    const pushed = pushedDown(icp)
    const establishment = wantedEstablishment(settings, AS_OF, pushed)
    const company = wantedCompany(settings, pushed)
    expect(await chosen(establishmentsWhere(settings, AS_OF, pushed, ACTIVITIES))).toEqual(
      kept(
        ({ matriz, situacao, inicio, cnae, others, uf, municipio }) =>
          establishment?.(
            asRow({ 3: matriz, 5: situacao, 10: inicio, 11: cnae, 12: others.join(','), 19: uf, 20: municipio }, 30),
          ) ?? true,
      ),
    )
    expect(await chosen(companiesWhere(settings, pushed))).toEqual(
      kept(({ natureza, capital, porte }) => company?.(asRow({ 2: natureza, 4: capital, 5: porte }, 7)) ?? true),
    )
  })
  await fc.assert(property, { numRuns: 40 })
  connection.close()
  database.close()
})
