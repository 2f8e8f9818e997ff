import {
  type CrmContext,
  type CrmRow,
  type Fields,
  isolating,
  type Link,
  type LinkPair,
  type Outcome,
  writeInCuts,
} from '../../define.ts'
import { bodyOf, type Client, PASSING, type Trouble, troubleOf } from './client.ts'
import { type Metadata, ROLE } from './metadata.ts'
import { KEY, keyOf, lookupsOf, type Shape } from './objects.ts'
import type { Reader } from './read.ts'
import type { Settings } from './settings.ts'
import { listed, query } from './soql.ts'
import { toSalesforce } from './values.ts'

/** Most records of a collection. */
const COLLECTION = 200
/** Times that rows which were locked are sent again alone; the layer's pauses lie between them. */
const ROUNDS = 4
/** What the record itself is gone with. */
const GONE = new Set(['ENTITY_IS_DELETED', 'INVALID_CROSS_REFERENCE_KEY', 'CANNOT_UPDATE_CONVERTED_LEAD', 'NOT_FOUND'])

export interface Writer {
  /** Rows by collections of 200, whatever their number. */
  upsert(shape: Shape, rows: readonly CrmRow[]): Promise<Outcome[]>
  link(pairs: readonly LinkPair[]): Promise<Outcome[]>
  archive(ids: readonly string[]): Promise<Outcome[]>
  erase(shape: Shape, ids: readonly string[]): Promise<Outcome[]>
}

/** The fields of a row with its lookups, in the CRM's own forms. */
export function fieldsOf(shape: Shape, { fields, links }: { fields: Fields; links: readonly Link[] }): Fields {
  const plain = Object.entries(fields).map(([name, value]) => [name, toSalesforce(value)])
  return { ...(Object.fromEntries(plain) as Fields), ...lookupsOf(shape, links) }
}

type Result = { id?: string; success: boolean; errors: { statusCode: string; message: string; fields?: string[] }[] }

export function outcomeOf({ id, success, errors }: Result): Outcome {
  if (success) return { status: 'done', crm_id: id ?? null }
  const [{ statusCode: code, message, fields = [] } = { statusCode: 'UNKNOWN', message: '' }] = errors
  return refusal({ errorCode: code, message, fields })
}

export function refusal({ errorCode: code, message, fields = [] }: Trouble): Outcome {
  const status = PASSING.has(code) ? 'unknown' : GONE.has(code) && fields.length === 0 ? 'gone' : 'rejected'
  const property = fields[0] ?? /^(\w+__c|[A-Z]\w+): /.exec(message)?.[1] ?? null
  return { status, crm_id: null, code, property, message }
}

export function createWriter(
  { settings }: CrmContext<Settings>,
  client: Client,
  metadata: Metadata,
  reader: Reader,
): Writer {
  const headers = settings.allow_duplicates ? { 'sforce-duplicate-rule-header': 'allowSave=true' } : undefined

  /** One call, or more where a whole one is refused. */
  async function call(path: string, records: readonly Fields[]): Promise<readonly Outcome[]> {
    return isolating(records, async (some) => {
      const body = { allOrNone: false, records: some }
      const answer = await client.ask({ method: 'PATCH', path: client.path(path), body, headers })
      const told = bodyOf(answer)
      if (answer.status !== 200) return { refused: refusal(troubleOf(told)) }
      if (Array.isArray(told) && told.length === some.length) return (told as Result[]).map(outcomeOf)
      return some.map(() => ({ status: 'unknown', crm_id: null }))
    })
  }

  /** Those whose rows were locked are sent again, alone, and one call at a time. */
  async function patiently(path: string, records: readonly Fields[]): Promise<Outcome[]> {
    const outcomes = await writeInCuts(records, COLLECTION, (some) => call(path, some))
    for (let round = 1; round <= ROUNDS; round++) {
      const locked = [...outcomes.entries()].filter(([, { code }]) => PASSING.has(code ?? '')).map(([index]) => index)
      if (locked.length === 0) break
      for (let from = 0; from < locked.length; from += COLLECTION) {
        const some = locked.slice(from, from + COLLECTION)
        const again = await writeInCuts(
          some.map((index) => records[index]!),
          COLLECTION,
          (few) => call(path, few),
        )
        for (const [nth, index] of some.entries()) outcomes[index] = again[nth]!
      }
    }
    return outcomes
  }

  async function writeAll(shape: Shape, rows: readonly CrmRow[]): Promise<Outcome[]> {
    const attributes = { type: shape.sobject }
    const known = (row: CrmRow) => row.crm_id !== null
    const record = (row: CrmRow): Fields => {
      const id: Fields = row.crm_id === null ? {} : { id: row.crm_id }
      return { attributes, ...id, [KEY]: keyOf(shape, row.record_id), ...fieldsOf(shape, row) }
    }
    const [made, changed] = [rows.filter((row) => !known(row)), rows.filter(known)]
    const outcomes = new Map<CrmRow, Outcome>()
    const upserted = await patiently(`/composite/sobjects/${shape.sobject}/${KEY}`, made.map(record))
    for (const [index, row] of made.entries()) outcomes.set(row, upserted[index]!)
    const updated = await patiently('/composite/sobjects', changed.map(record))
    for (const [index, row] of changed.entries()) outcomes.set(row, updated[index]!)
    return rows.map((row) => outcomes.get(row)!)
  }

  async function deleteAll(ids: readonly string[]): Promise<Outcome[]> {
    return writeInCuts(ids, COLLECTION, async (some) => {
      const params = { ids: some.join(','), allOrNone: false }
      const answer = await client.ask({ method: 'DELETE', path: client.path('/composite/sobjects'), query: params })
      const told = bodyOf(answer)
      if (answer.status !== 200) return some.map(() => refusal(troubleOf(told)))
      return (told as Result[]).map((result, index) => ({ ...outcomeOf(result), crm_id: some[index]! }))
    })
  }

  return {
    async upsert(shape, rows) {
      // Rows that hang on one record lock each other out: they go together.
      const sorted = rows.toSorted((a, b) => compare(parentOf(a), parentOf(b)))
      const outcomes = new Map<CrmRow, Outcome>()
      for (const [index, outcome] of (await writeAll(shape, sorted)).entries()) outcomes.set(sorted[index]!, outcome)
      const gone = sorted.filter((row) => outcomes.get(row)!.status === 'gone' && row.crm_id !== null)
      const now = await reader.read(
        shape,
        gone.map(({ crm_id }) => crm_id!),
      )
      const moved = gone.flatMap((row, index) => {
        const record = now[index]
        if (!record) return []
        const isOthers = record.record_id !== null && record.record_id !== row.record_id
        if (isOthers)
          outcomes.set(row, { status: 'unknown', crm_id: record.crm_id, message: 'merged into another record of ours' })
        return isOthers || record.crm_id === row.crm_id ? [] : [{ row, to: { ...row, crm_id: record.crm_id } }]
      })
      const again = await writeAll(
        shape,
        moved.map(({ to }) => to),
      )
      for (const [index, { row }] of moved.entries()) outcomes.set(row, again[index]!)
      return rows.map((row) => outcomes.get(row)!)
    },
    async link(pairs) {
      const key = ({ from_id, to_id }: LinkPair) => `${from_id}-${to_id}`
      const there = new Set<string>()
      const look = async (some: readonly LinkPair[]) => {
        if (some.length === 0) return
        const soql = `SELECT OpportunityId, ContactId FROM ${ROLE} WHERE OpportunityId IN ${listed(some.map(({ from_id }) => from_id))}`
        for await (const page of query(client, soql))
          for (const { OpportunityId, ContactId } of page) there.add(`${String(OpportunityId)}-${String(ContactId)}`)
      }
      return writeInCuts(pairs, COLLECTION, async (some) => {
        await look(some)
        const missing = some.filter((pair) => !there.has(key(pair)))
        const records = missing.map((pair) => ({
          attributes: { type: ROLE },
          ...{ [KEY]: key(pair), OpportunityId: pair.from_id, ContactId: pair.to_id },
        }))
        const outcomes = await patiently(`/composite/sobjects/${ROLE}/${KEY}`, records)
        // An answer that was lost and asked for again finds the role made, and its ends not to be changed.
        const doubtful = missing.filter((_, index) => outcomes[index]!.status !== 'done')
        await look(doubtful)
        const told = new Map(missing.map((pair, index) => [pair, outcomes[index]!]))
        return some.map((pair) => {
          const outcome = told.get(pair)
          if (there.has(key(pair)) || outcome?.status === 'done')
            return { status: 'done' as const, crm_id: pair.from_id }
          return { ...outcome!, status: outcome!.status === 'gone' ? ('rejected' as const) : outcome!.status }
        })
      })
    },
    archive: deleteAll,
    async erase(shape, ids) {
      // The recycle bin keeps what is deleted for weeks: nothing of the person goes into it.
      const fields: Fields = {}
      for (const [name, { type, writable = true, required }] of await metadata.fields(shape.sobject)) {
        if (writable === true && type === 'text' && name !== KEY) fields[name] = required ? 'erased' : null
      }
      const attributes = { type: shape.sobject }
      const emptied = await patiently(
        '/composite/sobjects',
        ids.map((id) => ({ attributes, id, ...fields })),
      )
      const deleted = await deleteAll(ids.filter((_, index) => emptied[index]!.status === 'done'))
      const told = new Map(deleted.map((outcome) => [outcome.crm_id, outcome]))
      return ids.map((id, index) => told.get(id) ?? { ...emptied[index]!, crm_id: id })
    },
  }
}

const parentOf = ({ links }: CrmRow): string => links[0]?.crm_id ?? ''
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
