import { type Problem, ProjectError } from '../pipeline/errors.ts'
import { relationName } from '../pipeline/table.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import { bindSource, bindTypes } from './bind.ts'
import { OUTPUTS } from './compile.ts'
import type { Scoring } from './layers.ts'
import type { Source } from './source.ts'
import type { Columns } from './text.ts'

export const FACTS = { schema: 'intermediate', name: 'int_lead_facts' }

/** A file with what its expressions may read: a brief reads the score's own columns too. */
export interface Part {
  source: Source
  types: Columns
  facts: string
}

/** The facts as they are, once every card agrees with them. Throws ProjectError when one does not. */
export async function boundFacts(
  scoring: Scoring,
  connection: Connection,
): Promise<{ facts: string; types: Columns; parts: Part[] }> {
  const facts = relationName(FACTS)
  const described = await connection.describe(`select * from ${facts}`)
  const types: Columns = Object.fromEntries(described.map(({ name, type }) => [name.toLowerCase(), type]))
  const parts = partsOf(scoring, facts, types)
  const problems: Problem[] = parts.flatMap((part) => bindSource(part.source, part.types))
  if (problems.length > 0) throw new ProjectError(problems)
  for (const part of parts) problems.push(...(await bindTypes(connection, part.source, part.facts)))
  if (problems.length > 0) throw new ProjectError(problems)
  return { facts, types, parts }
}

function partsOf({ cards, policy, brief }: Scoring, facts: string, types: Columns): Part[] {
  const outputs = Object.entries(OUTPUTS).map(([name, type]) => `null::${type} as ${name}`)
  const scored = { types: { ...types, ...OUTPUTS }, facts: `(select *, ${outputs.join(', ')} from ${facts})` }
  return [
    ...[...cards, policy].map(({ source }) => ({ source, types, facts })),
    ...(brief?.sources ?? []).map((source) => ({ source, ...scored })),
  ]
}
