import { messageOf, type Problem } from '../pipeline/errors.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import type { Scorecard } from './card.ts'
import type { Expression, Source, Use } from './source.ts'
import { type Columns, isShowable } from './text.ts'

/** What a card names that the facts do not have, or have in a type it cannot use. Needs no database. */
export function bindCard(card: Scorecard, facts: Columns): Problem[] {
  return bindSource(card.source, facts)
}

export function bindSource(source: Source, facts: Columns): Problem[] {
  const known = Object.keys(facts)
  const problems: Problem[] = []
  for (const { columns, place, what } of source.expressions) {
    for (const column of columns) {
      if (facts[column] === undefined) problems.push({ ...place, ...unknownColumn(what, column, known) })
    }
  }
  for (const { column, place, what, as } of source.uses) {
    const type = facts[column]
    if (type === undefined) problems.push({ ...place, ...unknownColumn(what, column, known) })
    else if (as !== undefined && WANTED[as] !== undefined && !WANTED[as].type.test(type)) {
      problems.push({ ...place, message: `${what}: ${column} is ${type}, not ${WANTED[as].words}` })
    } else if (as === 'shown' && !isShowable(type)) {
      problems.push({ ...place, message: `${what}: ${column} is ${type}, which no sentence can show` })
    }
  }
  return problems
}

const WANTED: Partial<Record<NonNullable<Use['as']>, { type: RegExp; words: string }>> = {
  date: { type: /^(DATE|TIMESTAMP)(?!.*\[\]$)/, words: 'a date' },
  dates: { type: /^(DATE|TIMESTAMP).*\[\]$/, words: 'a list of dates' },
  count: { type: /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/, words: 'a whole number' },
  number: { type: /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL.*\))$/, words: 'a number' },
}

function unknownColumn(what: string, column: string, known: readonly string[]): Pick<Problem, 'message' | 'hint'> {
  const clock = /^(current_|localtime)/.test(column) ? 'The date of the run is as_of().' : undefined
  return {
    message: `${what}: int_lead_facts has no column '${column}'`,
    hint: clock ?? didYouMean(column, known) ?? 'Add it to the model, or use another.',
  }
}

/** Expressions that DuckDB cannot bind to the facts, or that are not true or false. `facts` is a relation or a query in brackets. */
export async function bindTypes(connection: Connection, source: Source, facts: string): Promise<Problem[]> {
  if (source.expressions.length === 0) return []
  const select = (expressions: readonly Expression[]) =>
    `select ${expressions.map(({ sql }) => `(${sql}\n)`).join(', ')} from ${facts} as facts`
  try {
    const types = await connection.describe(select(source.expressions))
    return source.expressions.flatMap((expression, index) => notBoolean(expression, types[index]?.type ?? ''))
  } catch {
    // One of them does not bind; each alone says which.
    const problems: Problem[] = []
    for (const expression of source.expressions) {
      try {
        const types = await connection.describe(select([expression]))
        problems.push(...notBoolean(expression, types[0]?.type ?? ''))
      } catch (error) {
        problems.push({ ...expression.place, message: `${expression.what}: ${messageOf(error)}` })
      }
    }
    return problems
  }
}

function notBoolean({ sql, place, what }: Expression, type: string): Problem[] {
  if (type === 'BOOLEAN') return []
  const message = `${what}: \`${sql.trim()}\` is ${type}, not true or false`
  return [{ ...place, message, hint: 'Compare it with something.' }]
}

/** Expressions that fail on a value of the facts: who is to blame when the compiled SELECT fails. */
export async function failing(connection: Connection, source: Source, facts: string): Promise<Problem[]> {
  const problems: Problem[] = []
  for (const { sql, place, what } of source.expressions) {
    try {
      await connection.rows(`select count((${sql}\n)) from ${facts} as facts`)
    } catch (error) {
      const hint = 'Make it hold for every value: try_cast(), nullif().'
      problems.push({ ...place, message: `${what}: ${withoutValues(messageOf(error))}`, hint })
    }
  }
  return problems
}

/** DuckDB quotes the value it failed on, which may be somebody's address. */
function withoutValues(message: string): string {
  return (message.split('\n')[0] ?? '').replaceAll(/'[^']*'/g, "'…'")
}
