import { existsSync } from 'node:fs'
import type { Evidence } from '../ingest/match/explain.ts'
import { explainNames } from '../ingest/match/run-match.ts'
import { ProjectError } from '../pipeline/errors.ts'
import { quoteLiteral } from '../pipeline/table.ts'
import { placesOf } from '../pipeline/warehouse/home.ts'
import { openMatch, waterfall } from './commands/match.ts'
import type { CommonOptions } from './options.ts'
import { openToRead } from './read-session.ts'
import type { CommandSession } from './session.ts'

interface Explained {
  left: string
  right: string
  probability: number
  evidence: Evidence[]
}

/** `match --explain A B`: two records or companies of the project by id or name where they were compared, else two names. */
export async function explain(
  session: CommandSession,
  options: CommonOptions,
  given: readonly string[],
): Promise<number> {
  const [left, right] = given
  if (left === undefined || right === undefined || given.length > 2)
    throw new ProjectError([{ file: '--explain', message: `takes two names or ids, and was given ${given.length}` }])
  const found = (await fromProject(session, left, right)) ?? (await fromNames(session, left, right))
  if (options.output === 'json') session.report.json(found)
  else
    session.report.out(
      `${found.left}\n${found.right}\n\n${waterfall(found.evidence)}\n\nprobability ${found.probability}`,
    )
  return 0
}

async function fromNames(session: CommandSession, left: string, right: string): Promise<Explained> {
  const { close, ...world } = await openMatch(session, {})
  try {
    return { left, right, ...(await explainNames(world, left, right)) }
  } finally {
    close()
  }
}

/** The pair as the last run compared it; undefined where there is no project, or it did not compare them. */
async function fromProject(session: CommandSession, left: string, right: string): Promise<Explained | undefined> {
  if (!existsSync(`${session.root}/pipeline.yaml`)) return undefined
  const project = await session.load()
  const places = placesOf(project.root, project.config.target)
  if (!existsSync(places.build)) return undefined
  const reading = await openToRead(project, new Date().toISOString().slice(0, 10))
  try {
    const is = (side: string, record: string, text: string) => {
      const value = quoteLiteral(text)
      return `(${side} = ${value} or ${record}.name = ${value} or ${record}.source || ':' || ${record}.source_key = ${value} or ${record}.company_id = ${value})`
    }
    const both = (x: string, y: string) =>
      `(${is(`split_part(item_id, '~', 1)`, 'a', x)} and ${is(`split_part(item_id, '~', 2)`, 'b', y)})`
    const rows = await reading.connection.rows<Explained>(`
      with named as (
          select records.source, records.source_key, records.name, identified.company_id,
              'cmp_' || left(sha256(records.source || chr(31) || records.source_key), 20) as own_id
          from intermediate.int_company_records as records
          join intermediate.int_companies_identified as identified using (source, source_key)
      )
      select a.name || ' (' || a.source || ':' || a.source_key || ')' as left,
          b.name || ' (' || b.source || ':' || b.source_key || ')' as right, pairs.probability, pairs.evidence
      from discovery.company_pairs as pairs
      join named as a on a.own_id = split_part(pairs.item_id, '~', 1)
      join named as b on b.own_id = split_part(pairs.item_id, '~', 2)
      where ${both(left, right)} or ${both(right, left)}
      order by pairs.item_id limit 1`)
    return rows[0]
  } finally {
    reading.close()
  }
}
