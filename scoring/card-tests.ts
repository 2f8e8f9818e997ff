import type { RoomTest } from '../pipeline/room-tests.ts'
import { quoteIdentifier as id, quoteLiteral, relationName } from '../pipeline/table.ts'
import { FACTS } from './bound.ts'
import type { Scorecard } from './card.ts'
import { compileCard } from './compile.ts'
import { type Card, MONOTONE } from './define.ts'

type Example = Card['examples'][number]

/** What a card says of itself, as tests: its examples, and the properties that hold for every lead. */
export function cardTests(cards: readonly Scorecard[], relation = relationName(FACTS)): RoomTest[] {
  return cards.flatMap((card) => {
    const made = (name: string, description: string, sql: string): RoomTest => ({
      name: `score_${card.name}_${name}`,
      file: card.source.yaml.file,
      description,
      tags: ['scorecard'],
      about: FACTS.name,
      sql,
    })
    const { examples, properties } = card.card
    return [
      ...(examples.length === 0
        ? []
        : [made('examples', `The examples of ${card.name} score what they say.`, examplesSql(card, relation))]),
      ...properties.map(({ monotone }) => {
        const words = monotone.replaceAll(/[^a-z0-9]+/g, '_')
        return made(
          `monotone_${words}`,
          `${card.name} never falls: ${monotone}.`,
          monotoneSql(card, monotone, relation),
        )
      }),
    ]
  })
}

/** Examples that come out otherwise: their number, and what was got. */
export function examplesSql(card: Scorecard, relation: string): string {
  const { examples } = card.card
  const expected = examples.map(({ expect: { score, band, rules } }, index) => {
    const names = rules === undefined ? 'NULL::VARCHAR[]' : `${listOf([...rules].sort())}::VARCHAR[]`
    return `(${index + 1}, ${score}::DECIMAL(9,4), ${band === undefined ? 'NULL' : quoteLiteral(band)}, ${names})`
  })
  const rows = examples.map((example, index) => rowSql(example, index + 1, relation)).join('\n  union all by name\n  ')
  return `select got.example, got.score, got.band, got.rules, expected.score as expected_score,
  expected.band as expected_band, expected.rules as expected_rules
from (${onItsDay(compileCard(card, `(${rows})`))}) as got
join (values ${expected.join(', ')}) as expected(example, score, band, rules) on expected.example = got.example
where got.score::DECIMAL(9,4) <> expected.score
  or expected.band <> coalesce(got.band, '')
  or list_sort(got.rules) <> expected.rules
order by got.example`
}

/** A lead of which only what is given is known, in the types of the facts. */
function rowSql({ given, as_of }: Example, example: number, relation: string): string {
  const values = Object.entries(given)
    .filter(([, value]) => value !== null)
    .map(([column, value]) => `cast_to_type(${literal(value)}, facts.${id(column)}) as ${id(column)}`)
  const replaced = values.length === 0 ? '' : ` replace (${values.join(', ')})`
  return `select facts.*${replaced}, ${example} as example, DATE '${as_of}' as "example as of"
  from (select 1) left join (select * from ${relation} where false) as facts on true`
}

const AS_OF = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\bas_of\s*\(\s*\)/gi

/** Each example has a day of its own. */
function onItsDay(sql: string): string {
  return sql.replaceAll(AS_OF, (part) => (/^as_of/i.test(part) ? '"example as of"' : part))
}

const LEADS = 40
const STEPS = 20
const DAYS = [0, 1, 7, 30, 60, 89, 90, 91, 120, 179, 180, 181, 364, 365, 366, 400, 730]

/**
 * Leads whose score falls as the column grows, all else as it is: examples and the first leads there are, with the values
 * where a rule may turn (numbers and columns that the rules compare with, and their neighbours) and others between.
 */
export function monotoneSql(card: Scorecard, property: string, relation: string): string {
  const [, column = '', from, to] = MONOTONE.exec(property) ?? []
  const dated = to === 'as_of'
  const values = dated ? DAYS.map((days) => `as_of() - ${days}`) : gridOf(card, column, Number(from ?? 0), to)
  const limits = [
    ...(from === undefined ? [] : [`value >= ${from}`]),
    ...(to === undefined || dated
      ? []
      : [/^\d/.test(to) ? `value <= ${to}` : `value <= coalesce(facts.${id(to)}, value)`]),
    'value is not null',
  ]
  const given = card.card.examples.map((example, index) => rowSql(example, index + 1, relation))
  const first = `(select *, NULL::INTEGER as example, as_of() as "example as of" from ${relation} order by lead_id limit ${LEADS})`
  const base = [first, ...given].join('\n  union all by name\n  ')
  const varied = `(select facts.* replace (cast_to_type(value, facts.${id(column)}) as ${id(column)}), value as "varied value"
  from (select *, row_number() over () as "varied lead" from (${base})) as facts,
    lateral (select unnest(list_distinct([${values.join(', ')}])) as value) where ${limits.join(' and ')})`
  return `select * from (
  select "varied lead" as lead, lead_id, "varied value" as ${id(column)}, score,
    lag(score) over (partition by "varied lead" order by "varied value") as score_before
  from (${compileCard(card, varied)}) as scored
) where score < score_before order by lead, ${id(column)}`
}

function gridOf(card: Scorecard, column: string, from: number, to: string | undefined): string[] {
  const rules = card.rules.filter(({ when }) => when.columns.includes(column))
  const written = rules.flatMap(({ when }) =>
    [...when.sql.matchAll(/\b\d+(?:\.\d+)?\b/g)].map(([text]) => Number(text)),
  )
  const top =
    to === undefined || !/^\d/.test(to) ? Math.max(from + 100, ...written.map((value) => value * 2)) : Number(to)
  const between = Array.from({ length: STEPS + 1 }, (_, step) => from + ((top - from) * step) / STEPS)
  const numbers = [...written.flatMap((value) => [value - 1, value, value + 1]), ...between]
  const inside = [...new Set(numbers)].filter((value) => value >= from && value <= top).sort((a, b) => a - b)
  const others = [...new Set(rules.flatMap(({ when }) => when.columns))].filter((name) => name !== column).sort()
  const compared = others.flatMap((name) =>
    [-1, 0, 1].map((step) => `try_cast(facts.${id(name)}::VARCHAR as DOUBLE) + ${step}`),
  )
  return [...inside.map((value) => `${value}::DOUBLE`), ...compared]
}

function literal(value: unknown): string {
  if (typeof value === 'string') return quoteLiteral(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return `${quoteLiteral(JSON.stringify(value))}::JSON`
}

function listOf(values: readonly string[]): string {
  return `[${values.map((value) => quoteLiteral(value)).join(', ')}]`
}
