import { z } from 'zod'
import { CrmError, type CrmProperty, type CrmShape, type Owner, type Stage } from '../../define.ts'
import { readAs } from './answers.ts'
import type { Answered, Client } from './client.ts'
import { GROUP } from './objects.ts'
import { paths } from './paths.ts'

const property = z.looseObject({
  name: z.string(),
  label: z.string().nullish(),
  type: z.string(),
  fieldType: z.string(),
  options: z.array(z.looseObject({ value: z.string() })).nullish(),
  hasUniqueValue: z.boolean().nullish(),
  calculated: z.boolean().nullish(),
  hubspotDefined: z.boolean().nullish(),
  referencedObjectType: z.string().nullish(),
  modificationMetadata: z.looseObject({ readOnlyValue: z.boolean().nullish() }).nullish(),
})
export type HubspotProperty = z.output<typeof property>

const properties = z.looseObject({ results: z.array(property) })

const pipelines = z.looseObject({
  results: z.array(
    z.looseObject({
      id: z.coerce.string(),
      label: z.string(),
      stages: z.array(
        z.looseObject({
          id: z.coerce.string(),
          label: z.string(),
          metadata: z.looseObject({ probability: z.string().nullish(), isClosed: z.string().nullish() }).nullish(),
        }),
      ),
    }),
  ),
})

const owners = z.looseObject({
  results: z.array(
    z.looseObject({
      id: z.coerce.string(),
      email: z.string().nullish(),
      firstName: z.string().nullish(),
      lastName: z.string().nullish(),
    }),
  ),
  paging: z.looseObject({ next: z.looseObject({ after: z.coerce.string() }).nullish() }).nullish(),
})

/** The answer's body, or CrmError with HubSpot's words. */
export function done({ status, data, text }: Answered, what: string): unknown {
  if (status >= 200 && status < 300) return data
  const message = (data as { message?: unknown } | undefined)?.message
  throw new CrmError(`${what} answered ${status}: ${typeof message === 'string' ? message : text.slice(0, 300)}`)
}

export interface Shapes {
  properties(object: string): Promise<readonly HubspotProperty[]>
  describe(object: string): Promise<CrmShape>
  owners(): Promise<readonly Owner[]>
  create(object: string, wanted: readonly CrmProperty[]): Promise<void>
}

/** What the account looks like; each part is asked for once a session. */
export function createShapes(client: Client): Shapes {
  const known = new Map<string, Promise<readonly HubspotProperty[]>>()
  let people: Promise<readonly Owner[]> | undefined

  const propertiesOf = (object: string) => {
    const path = paths.properties(object)
    const asked =
      known.get(object) ?? client.get(path).then((answer) => readAs(properties, done(answer, path), path).results)
    known.set(object, asked)
    asked.catch(() => known.delete(object))
    return asked
  }

  async function pipelinesOf(object: string): Promise<CrmShape['pipelines']> {
    const path = paths.pipelines(object)
    const { results } = readAs(pipelines, done(await client.get(path), path), path)
    return results.map(({ id, label, stages }) => ({ id, label, stages: stages.map(stageOf) }))
  }

  async function ownersOf(): Promise<readonly Owner[]> {
    const all: Owner[] = []
    for (let after: string | undefined; ; ) {
      const path = paths.owners
      const page = readAs(owners, done(await client.get(path, { limit: 500, archived: 'false', after }), path), path)
      for (const { id, email, firstName, lastName } of page.results) {
        const name = [firstName, lastName].filter(Boolean).join(' ')
        if (email) all.push({ id, email: email.toLowerCase(), name: name === '' ? null : name })
      }
      after = page.paging?.next?.after
      if (after === undefined) return all
    }
  }

  return {
    properties: propertiesOf,
    async describe(object) {
      const held = await propertiesOf(object)
      const found = object === 'deals' ? await pipelinesOf(object) : []
      const told = held.map((each) => toProperty(object, each))
      if (object !== 'deals') return { properties: told, pipelines: found }
      const closed: Record<string, readonly string[]> = {
        pipeline: found.map(({ id }) => id),
        dealstage: found.flatMap(({ stages }) => stages.map(({ id }) => id)),
      }
      const withStages = told.map((each) =>
        each.name in closed ? { ...each, type: 'option' as const, options: closed[each.name]! } : each,
      )
      return { properties: withStages, pipelines: found }
    },
    owners() {
      people ??= ownersOf()
      people.catch(() => {
        people = undefined
      })
      return people
    },
    async create(object, wanted) {
      known.delete(object)
      const names = new Set((await propertiesOf(object)).map(({ name }) => name))
      const missing = wanted.filter(({ name }) => !names.has(name))
      if (missing.length > 0) {
        await made(client, paths.groups(object), { name: GROUP, label: 'Lead Engine', displayOrder: -1 })
        for (const each of missing) await made(client, paths.properties(object), wireProperty(each))
        known.delete(object)
      }
      const now = new Map((await propertiesOf(object)).map((each) => [each.name, each]))
      for (const each of wanted) checkMade(object, each, now.get(each.name))
    },
  }
}

/** 409: somebody was there before. */
async function made(client: Client, path: string, body: { name: string; [key: string]: unknown }): Promise<void> {
  const answer = await client.post(path, body)
  if (answer.status === 409) return
  const { message } = (answer.data ?? {}) as { message?: string }
  if (answer.status === 400 && /already exists/i.test(message ?? '')) return
  done(answer, `making ${body.name}`)
}

function checkMade(object: string, wanted: CrmProperty, held: HubspotProperty | undefined): void {
  if (held === undefined) throw new CrmError(`${object}.${wanted.name} was made and is not there`)
  const { type, unique } = toProperty(object, held)
  if (type !== wanted.type) {
    throw new CrmError(
      `${object}.${wanted.name} is there as ${type}, not ${wanted.type}. Rename or delete it in HubSpot`,
    )
  }
  if (wanted.unique && !unique) {
    const mend = 'HubSpot cannot change that afterwards: delete it there, then run setup again'
    throw new CrmError(`${object}.${wanted.name} is there, but not unique. ${mend}`)
  }
}

function stageOf({ id, label, metadata }: { id: string; label: string; metadata?: unknown }): Stage {
  const { probability, isClosed } = (metadata ?? {}) as { probability?: string; isClosed?: string }
  const closed = isClosed === 'true' || probability === '0.0' || probability === '1.0'
  return { id, label, closed, won: closed && Number(probability) === 1 }
}

const REQUIRED: Record<string, readonly string[]> = { deals: ['dealname', 'dealstage'] }
const MOST_CHARACTERS = 65_536

function toProperty(object: string, held: HubspotProperty): CrmProperty {
  const { name, label, options, hasUniqueValue, calculated, modificationMetadata } = held
  const type = typeOf(held)
  const isClosedList = (type === 'option' || type === 'options') && (options?.length ?? 0) > 0
  return {
    name,
    label: label ?? name,
    type,
    ...(isClosedList ? { options: options!.map(({ value }) => value) } : {}),
    ...(type === 'text' ? { length: MOST_CHARACTERS } : {}),
    unique: hasUniqueValue === true || (object === 'contacts' && name === 'email'),
    writable: !(calculated === true || modificationMetadata?.readOnlyValue === true),
    required: REQUIRED[object]?.includes(name) ?? false,
  }
}

export function typeOf({ name, type, fieldType, referencedObjectType }: HubspotProperty): CrmProperty['type'] {
  if (referencedObjectType === 'OWNER' || name === 'hubspot_owner_id') return 'owner'
  switch (type) {
    case 'string':
    case 'phone_number':
      return 'text'
    case 'number':
    case 'date':
    case 'datetime':
      return type
    case 'bool':
      return 'boolean'
    case 'enumeration':
      return fieldType === 'checkbox' ? 'options' : 'option'
    default:
      return 'other'
  }
}

const WIRE: Partial<Record<CrmProperty['type'], readonly [type: string, fieldType: string]>> = {
  text: ['string', 'text'],
  number: ['number', 'number'],
  boolean: ['bool', 'booleancheckbox'],
  date: ['date', 'date'],
  datetime: ['datetime', 'date'],
  option: ['enumeration', 'select'],
  options: ['enumeration', 'checkbox'],
}

function wireProperty({ name, label, type, options, unique }: CrmProperty): { name: string } {
  const [wire, fieldType] = WIRE[type] ?? ['string', 'text']
  const values = type === 'boolean' ? ['true', 'false'] : (options ?? [])
  const listed = values.map((value, displayOrder) => ({ label: value, value, displayOrder, hidden: false }))
  return {
    ...{ groupName: GROUP, name, label, type: wire, fieldType, hasUniqueValue: unique ?? false },
    ...{ hidden: false, formField: false, displayOrder: -1, ...(listed.length > 0 ? { options: listed } : {}) },
  }
}
