import {
  type CrmContext,
  type CrmProperty,
  type CrmRecord,
  cut,
  type Fields,
  inCuts,
  type Wanted,
} from '../../define.ts'
import { bodyOf, type Client, troubleOf } from './client.ts'
import { factsOf, hostOf } from './facts.ts'
import { type Metadata, ROLE } from './metadata.ts'
import { KEY, linksOf, recordIdOf, type Shape } from './objects.ts'
import type { Settings } from './settings.ts'
import { type Found, likened, listed, query } from './soql.ts'
import { fromSalesforce } from './values.ts'

const READ_AT_ONCE = 2_000
const ASKED_AT_ONCE = 100
const MOST_HOPS = 10
const ID = /^[a-zA-Z0-9]{15}([a-zA-Z0-9]{3})?$/
/** Of no use to anybody here, and changed by mere looking. */
const NOISE = new Set([
  'LastViewedDate',
  'LastReferencedDate',
  'PhotoUrl',
  'Jigsaw',
  'JigsawCompanyId',
  'JigsawContactId',
  'CleanStatus',
  'IsUnreadByOwner',
])

export interface Reader {
  pull(shape: Shape, since: string | null): AsyncGenerator<readonly CrmRecord[]>
  read(shape: Shape, ids: readonly string[]): Promise<(CrmRecord | null)[]>
  find(shape: Shape, wanted: readonly Wanted[]): Promise<CrmRecord[][]>
}

export function createReader({ settings }: CrmContext<Settings>, client: Client, metadata: Metadata): Reader {
  /** Fields that can be asked for. */
  async function readable(shape: Shape): Promise<ReadonlyMap<string, CrmProperty>> {
    const all = await metadata.fields(shape.sobject)
    return new Map([...all].filter(([name, { type }]) => type !== 'other' && !NOISE.has(name)))
  }

  async function select(shape: Shape): Promise<string> {
    return `SELECT ${[...(await readable(shape)).keys()].join(', ')} FROM ${shape.sobject}`
  }

  async function toRecords(shape: Shape, found: readonly Found[]): Promise<CrmRecord[]> {
    const properties = await readable(shape)
    const owners = new Map((await metadata.owners()).map(({ id, email }) => [id, email]))
    const roles = shape.kind === 'deal' ? await rolesOf(found.map(({ Id }) => String(Id))) : undefined
    return found.map((each) => {
      const fields: Fields = {}
      for (const [name, { type }] of properties) {
        const value = fromSalesforce(each[name], type)
        if (value !== null) fields[name] = value
      }
      const master = (each.MasterRecordId as string | null | undefined) ?? null
      const crm_id = String(each.Id)
      const contacts = (roles?.get(crm_id) ?? []).map((id) => ({ object: 'contacts', crm_id: id }))
      return {
        crm_id,
        record_id: recordIdOf(shape, each[KEY]),
        fields,
        modified_at: (fields.SystemModstamp as string | undefined) ?? null,
        ...(each.IsDeleted === true || isConverted(each) ? { deleted: true, merged_into: master } : {}),
        links: [...linksOf(shape, each), ...contacts],
        facts: factsOf(shape, fields, owners, settings.cnpj_field),
      }
    })
  }

  async function rolesOf(deals: readonly string[]): Promise<Map<string, string[]>> {
    const contacts = new Map<string, string[]>()
    for (const ids of cut(deals, ASKED_AT_ONCE * 3)) {
      const soql = `SELECT OpportunityId, ContactId FROM ${ROLE} WHERE OpportunityId IN ${listed(ids)} ORDER BY Id`
      for await (const page of query(client, soql)) {
        for (const { OpportunityId, ContactId } of page)
          contacts.set(String(OpportunityId), [...(contacts.get(String(OpportunityId)) ?? []), String(ContactId)])
      }
    }
    return contacts
  }

  async function retrieve(shape: Shape, ids: readonly string[]): Promise<(CrmRecord | null)[]> {
    const names = [...(await readable(shape)).keys()]
    const rows = await inCuts(ids, READ_AT_ONCE, async (some) => {
      const path = client.path(`/composite/sobjects/${shape.sobject}`)
      const answer = await client.ask({ method: 'POST', path, body: { ids: some, fields: names } })
      if (answer.status !== 200)
        throw new Error(`Salesforce reads no ${shape.sobject}: ${troubleOf(bodyOf(answer)).message}`)
      return bodyOf(answer) as (Found | null)[]
    })
    const found = rows.filter((row): row is Found => row !== null)
    const records = new Map((await toRecords(shape, found)).map((record) => [record.crm_id.slice(0, 15), record]))
    return ids.map((id) => {
      const record = records.get(id.slice(0, 15))
      return record === undefined || record.deleted === true ? null : record
    })
  }

  /** Where merged records went. */
  async function mastersOf(shape: Shape, ids: readonly string[]): Promise<Map<string, string>> {
    const masters = new Map<string, string>()
    if (!shape.merges) return masters
    for (const some of cut(ids, ASKED_AT_ONCE * 3)) {
      const soql = `SELECT Id, MasterRecordId FROM ${shape.sobject} WHERE Id IN ${listed(some)} AND MasterRecordId != null`
      for await (const page of query(client, soql, true))
        for (const { Id, MasterRecordId } of page) masters.set(String(Id).slice(0, 15), String(MasterRecordId))
    }
    return masters
  }

  return {
    async *pull(shape, since) {
      // Not set up yet: what is told by our key alone is not there.
      if (shape.mark !== '' && !(await readable(shape)).has(KEY)) return
      const conditions = [
        shape.where,
        since === null ? undefined : `SystemModstamp >= ${new Date(since).toISOString()}`,
      ]
      const where = conditions.filter((each) => each !== undefined).map((each) => `(${each})`)
      const soql = `${await select(shape)}${where.length > 0 ? ` WHERE ${where.join(' AND ')}` : ''} ORDER BY SystemModstamp, Id`
      for await (const page of query(client, soql, true)) if (page.length > 0) yield await toRecords(shape, page)
    },
    async read(shape, ids) {
      let now = ids.map((id): string | null => (ID.test(id) ? id : null))
      const found: (CrmRecord | null)[] = ids.map(() => null)
      for (let hops = 0; hops < MOST_HOPS; hops++) {
        const open = [...now.entries()].filter(
          (each): each is [number, string] => each[1] !== null && found[each[0]] === null,
        )
        if (open.length === 0) break
        const records = await retrieve(
          shape,
          open.map(([, id]) => id),
        )
        for (const [nth, [index]] of open.entries()) found[index] = records[nth]!
        const lost = open.filter(([index]) => found[index] === null)
        const masters = await mastersOf(
          shape,
          lost.map(([, id]) => id),
        )
        now = now.map((id, index) =>
          id === null || found[index] !== null ? id : (masters.get(id.slice(0, 15)) ?? null),
        )
      }
      return found
    },
    async find(shape, wanted) {
      const all = new Map<string, CrmRecord>()
      for (const condition of conditionsOf(shape, wanted, settings.cnpj_field)) {
        const soql = `${await select(shape)} WHERE ${condition} ORDER BY Id`
        for await (const page of query(client, soql))
          for (const record of await toRecords(shape, page)) if (record.deleted !== true) all.set(record.crm_id, record)
      }
      const records = [...all.values()].toSorted((a, b) => (a.crm_id < b.crm_id ? -1 : 1))
      return wanted.map(({ record_id, email, domain, cnpj }) =>
        records.filter((record) => {
          const { facts = {}, record_id: held } = record
          const same = (a: string | undefined, b: string | null) => b !== null && a === b
          const is = same(facts.email, email) || same(facts.domain, domain) || same(facts.cnpj, cnpj)
          return held === record_id || (held === null && is)
        }),
      )
    },
  }
}

/** A lead that somebody made a contact of is theirs from then on. */
const isConverted = ({ IsConverted }: Found): boolean => IsConverted === true

function* conditionsOf({ finds }: Shape, wanted: readonly Wanted[], cnpj_field: string): Generator<string> {
  for (const some of cut(wanted, ASKED_AT_ONCE)) {
    const of = (name: 'email' | 'domain' | 'cnpj') => [
      ...new Set(some.flatMap((each) => (finds[name] && each[name]) || [])),
    ]
    const [emails, domains, cnpjs] = [of('email'), of('domain'), of('cnpj')]
    if (emails.length > 0) yield `Email IN ${listed(emails)}`
    if (cnpjs.length > 0) yield `${cnpj_field} IN ${listed(cnpjs.flatMap((cnpj) => [cnpj, punctuated(cnpj)]))}`
    if (domains.length > 0)
      yield `(${domains.map((domain) => `Website LIKE '%${likened(hostOf(domain) ?? domain)}%'`).join(' OR ')})`
  }
}

function punctuated(cnpj: string): string {
  return cnpj.replace(/^(.{2})(.{3})(.{3})(.{4})(.{2})$/, '$1.$2.$3/$4-$5')
}
