import { quoteIdentifier as id, quoteLiteral } from '../pipeline/table.ts'
import { compileScores } from './compile.ts'
import type { Scoring } from './layers.ts'
import type { Columns } from './text.ts'

/** A relation of the facts that `json` holds: a list of objects with every column, unknown ones null. */
export function givenFacts(types: Columns, json: string): string {
  const columns = Object.entries(types).map(([name, type]) => {
    const structure = quoteLiteral(JSON.stringify(type))
    const read = type.includes('STRUCT') ? 'from_json' : 'from_json_strict'
    return `${read}(r -> ${quoteLiteral(`/${name}`)}, ${structure}) as ${id(name)}`
  })
  return `(select ${columns.join(', ')} from (select unnest(from_json(${json}, '["JSON"]')) as r))`
}

/** The one SELECT that scores, over facts that somebody gives, held against the cut-offs of the last run. */
export function compileGiven(scoring: Scoring, types: Columns, json: string): string {
  return `${compileScores(scoring, givenFacts(types, json), types, { tells: false })}`
}
