import { CrmError, type CrmProperty, type CrmShape, type Owner, type Stage } from '../../define.ts'
import { bodyOf, type Client, troubleOf } from './client.ts'
import { KEY, type Shape } from './objects.ts'
import { query, quoted } from './soql.ts'
import { metadataOf, propertyOf, type SalesforceField } from './values.ts'

/** What the org has, each asked for once a session. */
export interface Metadata {
  fields(sobject: string): Promise<ReadonlyMap<string, CrmProperty>>
  shape(shape: Shape): Promise<CrmShape>
  owners(): Promise<readonly Owner[]>
  create(shape: Shape, properties: readonly CrmProperty[]): Promise<void>
}

interface Description {
  createable: boolean
  updateable: boolean
  fields: SalesforceField[]
}

/** The object whose key tells a contact of a deal from the next. */
export const ROLE = 'OpportunityContactRole'
const ROLE_KEY: CrmProperty = { name: KEY, label: 'Lead Engine Id', type: 'text', length: 64, unique: true }
const PERMISSIONS = 'Lead_Engine'

export function createMetadata(client: Client): Metadata {
  const described = new Map<string, Promise<Description>>()
  let known: Promise<readonly Owner[]> | undefined

  function describe(sobject: string): Promise<Description> {
    const asked = described.get(sobject) ?? ask(sobject)
    described.set(sobject, asked)
    return asked
  }

  async function ask(sobject: string): Promise<Description> {
    const answer = await client.ask({ path: client.path(`/sobjects/${sobject}/describe`) })
    if (answer.status === 200) return bodyOf(answer) as Description
    const { errorCode, message } = troubleOf(bodyOf(answer))
    const mend = `Give the integration user access to ${sobject}, or switch its mapping off.`
    throw new CrmError(`Salesforce shows no ${sobject} (${errorCode}: ${message}). ${mend}`)
  }

  async function fields(sobject: string): Promise<Map<string, CrmProperty>> {
    const all = (await describe(sobject)).fields
    return new Map(all.map((field) => [field.name, propertyOf(field, field.name === 'StageName')]))
  }

  async function stages(): Promise<Stage[]> {
    const soql =
      'SELECT MasterLabel, ApiName, IsClosed, IsWon FROM OpportunityStage WHERE IsActive = true ORDER BY SortOrder'
    const found: Stage[] = []
    for await (const page of query(client, soql)) {
      for (const each of page)
        found.push({
          id: String(each.ApiName),
          label: String(each.MasterLabel),
          closed: each.IsClosed === true,
          won: each.IsWon === true,
        })
    }
    return found
  }

  return {
    fields,
    async shape({ sobject, kind, keyed }) {
      const { createable, updateable } = await describe(sobject)
      if (keyed && !(createable && updateable))
        throw new CrmError(
          `the integration user may not ${createable ? 'edit' : 'create'} ${sobject}. Give it the permission`,
        )
      const properties = [...(await fields(sobject)).values()]
      if (kind !== 'deal') return { properties, pipelines: [] }
      // Contacts of a deal hang on a record of their own, which needs the key as well: without it the deal is not set up.
      const ready = (await fields(ROLE)).has(KEY)
      return {
        properties: ready ? properties : properties.filter(({ name }) => name !== KEY),
        pipelines: [{ id: 'default', label: 'Opportunity', stages: await stages() }],
      }
    },
    owners() {
      known ??= (async () => {
        const owners: Owner[] = []
        const soql = `SELECT Id, Email, Name FROM User WHERE IsActive = true AND UserType = 'Standard' ORDER BY Id`
        for await (const page of query(client, soql)) {
          for (const { Id, Email, Name } of page)
            owners.push({ id: String(Id), email: String(Email).toLowerCase(), name: (Name as string | null) ?? null })
        }
        return owners
      })()
      return known
    },
    async create({ sobject, kind }, properties) {
      const wanted = [
        ...properties.map((property) => [sobject, property] as const),
        ...(kind === 'deal' && properties.length > 0 ? [[ROLE, ROLE_KEY] as const] : []),
      ]
      const missing = []
      for (const [on, property] of wanted)
        if (!(await fields(on)).has(property.name)) missing.push([on, property] as const)
      if (missing.length === 0) return
      for (const [on, property] of missing) await make(client, on, property)
      await permit(
        client,
        missing.map(([on, { name }]) => ({ SobjectType: on, Field: `${on}.${name}` })),
      )
      described.clear()
    },
  }
}

/** A custom field. Tasks and events have theirs in common. */
async function make(client: Client, sobject: string, property: CrmProperty): Promise<void> {
  const on = sobject === 'Task' || sobject === 'Event' ? 'Activity' : sobject
  const FullName = `${on}.${property.name}`
  const body = { FullName, Metadata: metadataOf(property) }
  const answer = await client.ask({ method: 'POST', path: client.path('/tooling/sobjects/CustomField'), body })
  if (answer.status < 300) return
  const { errorCode, message } = troubleOf(bodyOf(answer))
  if (errorCode === 'DUPLICATE_DEVELOPER_NAME') return
  const by_hand = Object.entries(metadataOf(property)).map(([name, value]) => `${name} ${JSON.stringify(value)}`)
  const mend = `Ask an admin for the field ${FullName}: ${by_hand.join(', ')}, readable and editable for the integration user.`
  throw new CrmError(`Salesforce makes no field ${FullName} (${errorCode}: ${message}). ${mend}`)
}

/** A new field is seen by nobody until a permission set says so. */
async function permit(client: Client, fields: readonly { SobjectType: string; Field: string }[]): Promise<void> {
  const one = async (soql: string) => {
    for await (const [first] of query(client, soql)) return first?.Id as string | undefined
    return undefined
  }
  const made = async (sobject: string, body: Record<string, unknown>) => {
    const answer = await client.ask({ method: 'POST', path: client.path(`/sobjects/${sobject}`), body })
    if (answer.status < 300) return (bodyOf(answer) as { id: string }).id
    const { errorCode, message } = troubleOf(bodyOf(answer))
    if (/DUPLICATE/.test(errorCode)) return undefined
    const mend = `Ask an admin to let the integration user see and edit ${fields.map(({ Field }) => Field).join(', ')}.`
    throw new CrmError(`Salesforce grants nothing on the new fields (${errorCode}: ${message}). ${mend}`)
  }
  const named = `SELECT Id FROM PermissionSet WHERE Name = ${quoted(PERMISSIONS)}`
  const label = { Name: PERMISSIONS, Label: 'Lead Engine', Description: 'Fields that Lead Engine writes.' }
  const ParentId = (await one(named)) ?? (await made('PermissionSet', label)) ?? (await one(named))
  for (const field of fields) {
    const there = `SELECT Id FROM FieldPermissions WHERE ParentId = ${quoted(ParentId!)} AND Field = ${quoted(field.Field)}`
    if ((await one(there)) === undefined)
      await made('FieldPermissions', { ...field, ParentId, PermissionsRead: true, PermissionsEdit: true })
  }
  const { user_id } = await client.who()
  const assigned = `SELECT Id FROM PermissionSetAssignment WHERE AssigneeId = ${quoted(user_id)} AND PermissionSetId = ${quoted(ParentId!)}`
  if ((await one(assigned)) === undefined)
    await made('PermissionSetAssignment', { AssigneeId: user_id, PermissionSetId: ParentId })
}
