import { RemoteError } from '../pipeline/errors.ts'
import type { SwitchedOn } from './mapping.ts'
import { connect, remote, requireAccount, type SessionWorld } from './session.ts'

/** A property of ours, in one CRM: is it there, and as it must be? */
export interface OwnProperty {
  crm: string
  object: string
  property: string
  type: string
  unique: boolean
  /** `wrong`: there, of another type, or not unique: only an admin can mend it. */
  state: 'there' | 'missing' | 'wrong' | 'made'
}

/**
 * What the CRM lacks for its mappings, object by object; `make` makes what is missing, and looks again. Throws RemoteError
 * where the CRM says no, or the credentials open another account than the settings name: then nothing was made.
 */
export async function setUp(crm: SwitchedOn, world: SessionWorld, make: boolean): Promise<OwnProperty[]> {
  const { name, definition, settings, mappings } = crm
  const session = connect(name, definition, settings, world)
  try {
    requireAccount(definition, settings, await session.identity())
    const found: OwnProperty[] = []
    for (const { object, kind, fields } of mappings) {
      const used = new Set(fields.map(({ to }) => to))
      const own = kind.own.filter((property) => property.unique === true || used.has(property.name))
      const before = await stateOf(object)
      const missing = own.filter(({ name }) => before.get(name) === undefined)
      if (make && missing.length > 0) await session.create(object, missing)
      const after = make && missing.length > 0 ? await stateOf(object) : before
      for (const { name: property, type, unique = false } of own) {
        const there = after.get(property)
        const fits = there !== undefined && there.type === type && (!unique || there.unique === true)
        const state = there === undefined ? 'missing' : !fits ? 'wrong' : before.has(property) ? 'there' : 'made'
        found.push({ crm: name, object, property, type, unique, state })
      }
    }
    return found
  } catch (error) {
    const known = remote(error, name)
    if (known instanceof RemoteError) throw known
    throw error
  }

  async function stateOf(object: string) {
    const { properties } = await session.describe(object)
    return new Map((properties ?? []).map((property) => [property.name, property]))
  }
}
