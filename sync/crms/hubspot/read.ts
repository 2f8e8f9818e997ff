import { type CrmRecord, cut, inCuts, type Link, type Wanted } from '../../define.ts'
import { batchAnswer, type HubspotRecord, linksRead, readAs, recordPage } from './answers.ts'
import type { Client } from './client.ts'
import { KEY, MARKED, modifiedProperty, objectOf } from './objects.ts'
import { paths } from './paths.ts'
import { type Knowledge, mergedInto, TELLING, toRecord } from './record.ts'
import { done, type Shapes } from './shape.ts'

const BATCH = 100
const LINKS = 1_000
const PAGE = 200
/** Of a search's body; the rest of it needs some. */
const MOST_CHARACTERS = 2_500
/** Search tells of a change half a minute late at worst: what was changed since is asked for from a little before. */
const OVERLAP_MS = 120_000

/** What this session has seen of a record: whose it is, and how far its lifecycle has come. */
export interface Seen {
  key: string | null
  lifecycle: string | null
}

export interface Reader {
  read(object: string, crm_ids: readonly string[]): Promise<readonly (CrmRecord | null)[]>
  pull(object: string, since: string | null): AsyncIterable<readonly CrmRecord[]>
  find(object: string, wanted: readonly Wanted[]): Promise<readonly (readonly CrmRecord[])[]>
  seen: Map<string, Seen>
}

export function createReader(client: Client, shapes: Shapes): Reader {
  const seen = new Map<string, Seen>()

  async function knowledge(object: string): Promise<Knowledge> {
    const [held, owners] = await Promise.all([shapes.properties(object), shapes.owners()])
    return {
      schema: new Map(held.map((property) => [property.name, property])),
      owners: new Map(owners.map(({ id, email }) => [id, email])),
    }
  }

  function noted(object: string, record: HubspotRecord, known: Knowledge, links?: readonly Link[]): CrmRecord {
    const told = toRecord(object, record, known, links)
    seen.set(`${object}:${record.id}`, { key: told.record_id, lifecycle: record.properties.lifecyclestage ?? null })
    return told
  }

  /** What anybody may write, what is their own, and what tells us something. */
  function asked({ schema }: Knowledge): string[] {
    return [...schema.values()]
      .filter(({ name, hubspotDefined, modificationMetadata, calculated }) => {
        const writable = modificationMetadata?.readOnlyValue !== true && calculated !== true
        return hubspotDefined !== true || writable || (TELLING as readonly string[]).includes(name)
      })
      .map(({ name }) => name)
      .sort()
  }

  async function batchRead(
    object: string,
    ids: readonly string[],
    properties: readonly string[],
    idProperty?: string,
  ): Promise<HubspotRecord[]> {
    const path = paths.batch(object, 'read')
    return inCuts([...new Set(ids)], BATCH, async (cut) => {
      const by = idProperty === undefined ? {} : { idProperty }
      const body = { ...by, inputs: cut.map((id) => ({ id })), properties, propertiesWithHistory: [] }
      const answer = await client.post(path, body)
      if (answer.status === 404) return []
      return readAs(batchAnswer, done(answer, path), path).results
    })
  }

  /** A record that was merged into another answers under the id it has since; a batch does not know it. */
  async function follow(object: string, id: string, properties: readonly string[]): Promise<HubspotRecord | undefined> {
    const path = paths.object(object, id)
    const answer = await client.get(path, { properties: 'hs_merged_object_ids' })
    if (answer.status === 404) return undefined
    const { id: now } = readAs(recordPage.shape.results.element, done(answer, path), path)
    return (await batchRead(object, [now], properties))[0]
  }

  async function read(object: string, crm_ids: readonly string[]): Promise<(CrmRecord | null)[]> {
    if (crm_ids.length === 0) return []
    const known = await knowledge(object)
    const properties = asked(known)
    const found = new Map<string, HubspotRecord>()
    for (const record of await batchRead(object, crm_ids, properties)) {
      for (const id of [...mergedInto(record), record.id]) found.set(id, record)
    }
    const missing = crm_ids.filter((id) => !found.has(id))
    for (const id of missing) {
      const record = await follow(object, id, properties)
      if (record !== undefined) found.set(id, record)
    }
    return crm_ids.map((id) => {
      const record = found.get(id)
      return record === undefined || record.archived === true ? null : noted(object, record, known)
    })
  }

  async function linksOf(object: string, ids: readonly string[]): Promise<Map<string, Link[]>> {
    const links = new Map(ids.map((id) => [id, [] as Link[]]))
    for (const to of Object.keys(objectOf(object).links)) {
      for (const [from, others] of await linked(object, to, ids)) {
        for (const crm_id of others) links.get(from)?.push({ object: to, crm_id })
      }
    }
    return links
  }

  async function linked(from: string, to: string, ids: readonly string[]): Promise<Map<string, string[]>> {
    const path = paths.associations(from, to, 'read')
    const found = new Map<string, string[]>()
    for (const some of cut([...new Set(ids)], LINKS)) {
      let inputs: { id: string; after?: string }[] = some.map((id) => ({ id }))
      while (inputs.length > 0) {
        const { results } = readAs(linksRead, done(await client.post(path, { inputs }), path), path)
        for (const { from: end, to: others } of results) {
          found.set(end.id, [...(found.get(end.id) ?? []), ...others.map(({ toObjectId }) => toObjectId)])
        }
        inputs = results.flatMap(({ from: end, paging }) => {
          const after = paging?.next?.after
          return after === undefined ? [] : [{ id: end.id, after }]
        })
      }
    }
    return found
  }

  /** Ids of what was changed since, lowest first; beyond 10,000 a search gives nothing more, so that each page starts anew. */
  async function* changedIds(object: string, since: string): AsyncIterable<string[]> {
    const from = new Date(Date.parse(since) - OVERLAP_MS).toISOString()
    const path = paths.search(object)
    for (let last = '0'; ; ) {
      const filters = [
        { propertyName: modifiedProperty(object), operator: 'GTE', value: from },
        { propertyName: 'hs_object_id', operator: 'GT', value: last },
      ]
      const sorts = [{ propertyName: 'hs_object_id', direction: 'ASCENDING' }]
      const body = { filterGroups: [{ filters }], properties: ['hs_object_id'], sorts, limit: PAGE, after: '0' }
      const { results } = readAs(recordPage, done(await client.search(path, body), path), path)
      if (results.length === 0) return
      yield results.map(({ id }) => id)
      if (results.length < PAGE) return
      last = results.at(-1)!.id
    }
  }

  async function* listed(object: string, archived: boolean): AsyncIterable<HubspotRecord[]> {
    const path = paths.objects(object)
    for (let after: string | undefined; ; ) {
      const query = { limit: BATCH, archived: String(archived), properties: 'hs_merged_object_ids', after }
      const page = readAs(recordPage, done(await client.get(path, query), path), path)
      yield page.results
      after = page.paging?.next?.after
      if (after === undefined) return
    }
  }

  async function* pull(object: string, since: string | null): AsyncIterable<readonly CrmRecord[]> {
    const known = await knowledge(object)
    const properties = asked(known)
    const pages = since === null ? idsOf(listed(object, false)) : changedIds(object, since)
    for await (const ids of pages) {
      if (ids.length === 0) continue
      const [records, links] = await Promise.all([batchRead(object, ids, properties), linksOf(object, ids)])
      yield records.flatMap((record) => [
        noted(object, record, known, links.get(record.id) ?? []),
        ...mergedInto(record).map((crm_id) => gone(crm_id, record.id)),
      ])
    }
    if (since === null) return
    const from = new Date(Date.parse(since) - OVERLAP_MS).toISOString()
    for await (const page of listed(object, true)) {
      const lately = page.filter(({ archivedAt, updatedAt }) => (archivedAt ?? updatedAt ?? '') >= from)
      if (lately.length > 0) yield lately.map(({ id }) => gone(id, null))
    }
  }

  /** Our own key first, which no search has to know of; then what others know it by. */
  async function find(object: string, wanted: readonly Wanted[]): Promise<readonly (readonly CrmRecord[])[]> {
    if (wanted.length === 0) return []
    const known = await knowledge(object)
    const properties = asked(known)
    if (MARKED[object] !== undefined) return findMarked(object, wanted, known, properties)
    const ids = wanted.map(({ record_id }) => record_id)
    const mine = new Map((await batchRead(object, ids, properties, KEY)).map((each) => [each.properties[KEY], each]))
    const others = wanted.filter(({ record_id }) => !mine.has(record_id))
    const foreign = (await candidates(object, others, known, properties)).map((record) => noted(object, record, known))
    return wanted.map(({ record_id, email, domain, cnpj }) => {
      const own = mine.get(record_id)
      if (own !== undefined) return [noted(object, own, known)]
      return foreign.filter(
        ({ record_id: key, facts = {} }) =>
          key === null &&
          ((email !== null && facts.email === email) ||
            (domain !== null && facts.domain === domain) ||
            (cnpj !== null && facts.cnpj === cnpj)),
      )
    })
  }

  /** Contacts by e-mail, which a batch can; companies by search, the only way there is. */
  async function candidates(
    object: string,
    wanted: readonly Wanted[],
    { schema }: Knowledge,
    properties: readonly string[],
  ): Promise<HubspotRecord[]> {
    const values = (key: 'email' | 'domain' | 'cnpj') => [...new Set(wanted.flatMap((each) => each[key] ?? []))]
    if (object === 'contacts') return batchRead(object, values('email'), properties, 'email')
    if (object !== 'companies') return []
    const cnpjs = values('cnpj').flatMap((cnpj) => [cnpj.toLowerCase(), punctuated(cnpj).toLowerCase()])
    const ids = await searchIn(object, 'domain', values('domain'))
    if (schema.has('cnpj')) ids.push(...(await searchIn(object, 'cnpj', cnpjs)))
    return batchRead(object, ids, properties)
  }

  async function searchIn(object: string, propertyName: string, values: readonly string[]): Promise<string[]> {
    const path = paths.search(object)
    const ids: string[] = []
    for (const some of cutByLength(values)) {
      for (let last = '0'; ; ) {
        const filters = [
          { propertyName, operator: 'IN', values: some },
          { propertyName: 'hs_object_id', operator: 'GT', value: last },
        ]
        const sorts = [{ propertyName: 'hs_object_id', direction: 'ASCENDING' }]
        const body = { filterGroups: [{ filters }], properties: [propertyName], sorts, limit: PAGE, after: '0' }
        const { results } = readAs(recordPage, done(await client.search(path, body), path), path)
        ids.push(...results.map(({ id }) => id))
        if (results.length < PAGE) break
        last = results.at(-1)!.id
      }
    }
    return ids
  }

  /** What was written and never answered hangs on what it was to hang on, and bears our mark. */
  async function findMarked(
    object: string,
    wanted: readonly Wanted[],
    known: Knowledge,
    properties: readonly string[],
  ): Promise<(readonly CrmRecord[])[]> {
    const parents = new Map<string, Set<string>>()
    for (const { links } of wanted) {
      for (const { object: to, crm_id } of links) parents.set(to, (parents.get(to) ?? new Set()).add(crm_id))
    }
    const ids = new Set<string>()
    for (const [parent, crm_ids] of parents) {
      for (const found of (await linked(parent, object, [...crm_ids])).values()) for (const id of found) ids.add(id)
    }
    const records = (await batchRead(object, [...ids], properties)).map((record) => noted(object, record, known))
    return wanted.map(({ record_id }) => records.filter((record) => record.record_id === record_id))
  }

  return { read, pull, find, seen }
}

async function* idsOf(pages: AsyncIterable<HubspotRecord[]>): AsyncIterable<string[]> {
  for await (const page of pages) yield page.map(({ id }) => id)
}

function gone(crm_id: string, merged_into: string | null): CrmRecord {
  return { crm_id, record_id: null, fields: {}, modified_at: null, deleted: true, merged_into }
}

function punctuated(cnpj: string): string {
  return cnpj.replace(/^(.{2})(.{3})(.{3})(.{4})(.{2})$/, '$1.$2.$3/$4-$5')
}

/** Values of one search: at most a hundred, and no more than its body may hold. */
function cutByLength(values: readonly string[]): string[][] {
  const cuts: string[][] = []
  let length = 0
  for (const value of values) {
    length += value.length + 3
    const last = cuts.at(-1)
    if (last === undefined || last.length >= BATCH || length > MOST_CHARACTERS) {
      cuts.push([value])
      length = value.length + 3
    } else last.push(value)
  }
  return cuts
}
