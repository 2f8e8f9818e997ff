import { createHash } from 'node:crypto'
import type { Problem } from '../pipeline/errors.ts'
import { ProjectError } from '../pipeline/errors.ts'
import type { StepContext } from '../pipeline/step.ts'
import type { Judgement } from './changes.ts'
import { canonical } from './diff.ts'
import type { SwitchedOn } from './mapping.ts'
import type { CrmSession, Json } from './records.ts'
import { connect, requireAccount } from './session.ts'
import { shapeProblems } from './shape-check.ts'

/** A CRM that has been asked who it is and what it takes, and whose mappings fit. */
export interface Ready extends SwitchedOn {
  session: CrmSession
  /** By object. */
  judgements: ReadonlyMap<string, Judgement>
  /** By object: changes when the CRM takes something else. */
  shapes: ReadonlyMap<string, string>
}

/**
 * Everything that can be known to be wrong before anything is written: other account, unknown or read-only property, value
 * not in the list, missing property of ours. Problems of mappings are added; a CRM that says no throws.
 */
export async function makeReady(
  context: StepContext,
  crm: SwitchedOn,
  decisions: ReadonlyMap<string, string>,
  problems: Problem[],
): Promise<Ready> {
  const { name, definition, settings, mappings } = crm
  const session = connect(name, definition, settings, { ...context, root: context.paths.root })
  requireAccount(definition, settings, await session.identity())
  const judgements = new Map<string, Judgement>()
  const shapes = new Map<string, string>()
  let owners: ReadonlyMap<string, string> | undefined
  for (const mapping of mappings) {
    const shape = await session.describe(mapping.object)
    shapes.set(
      mapping.object,
      createHash('sha256')
        .update(canonical(shape as unknown as Json))
        .digest('hex')
        .slice(0, 16),
    )
    const types = shape.properties && new Map(shape.properties.map((property) => [property.name, property.type]))
    const owned = mapping.fields.some(({ to }) => types?.get(to) === 'owner')
    if (owned) owners ??= new Map((await session.owners()).map(({ email, id }) => [email.toLowerCase(), id]))
    judgements.set(mapping.object, { types, owners: owners ?? new Map(), decisions })
    problems.push(...(await shapeProblems(context.connection, { mapping, shape, owners: owners ?? new Map() })))
  }
  return { ...crm, session, judgements, shapes }
}

/** What people have decided in `pipeline review`, by item. */
export async function readDecisions({ connection }: StepContext): Promise<Map<string, string>> {
  const rows = await connection.rows<{ item_id: string; decision: string }>(
    `select item_id, decision from staging.stg_ledger__reviews where kind in ('crm_record', 'crm_conflict')`,
  )
  return new Map(rows.map(({ item_id, decision }) => [item_id, decision]))
}

export function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new ProjectError([...problems])
}
