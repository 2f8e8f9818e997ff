import type { Answer, Asked } from '../server.ts'
import { no, type RowResult, type Rows, refuse, type WriteCall } from './rows.ts'
import { describeField } from './schema.ts'
import { BadQuery, holds, namedIn, readSoql, sorted } from './soql.ts'
import type { Rec, Store } from './store.ts'

type Fields = Record<string, unknown>
type Given = Fields & { attributes?: { type?: string } }

const MOST = 200
const LONGEST_URI = 16_384

/** Single records, collections of them, and queries. Paths are below /services/data/vNN.0. */
export class Records {
  /** Records a page of a query holds. */
  page = 2_000
  readonly #store: Store
  readonly #rows: Rows
  readonly #version: string
  readonly #cursors = new Map<string, Fields[]>()

  constructor(store: Store, rows: Rows, version: string) {
    this.#store = store
    this.#rows = rows
    this.#version = version
  }

  collections(asked: Asked, path: string, call: WriteCall): Answer {
    const { method, query, body } = asked
    const [, type, field] = /^\/composite\/sobjects(?:\/(\w+))?(?:\/(\w+))?\/?$/.exec(path) ?? []
    if (method === 'DELETE') {
      const ids = (query.get('ids') ?? '').split(',')
      if (ids.length > MOST) return tooMany(ids.length)
      return { status: 200, body: ids.map((id) => plain(this.#rows.delete(id))) }
    }
    if (type !== undefined && field === undefined && method !== 'PATCH') return this.#retrieve(asked, type)
    const { records = [], allOrNone = false } = (body ?? {}) as { records?: Given[]; allOrNone?: boolean }
    if (body === undefined) return error(400, 'JSON_PARSER_ERROR', 'Unexpected end-of-input')
    if (records.length > MOST) return tooMany(records.length)
    const results = field
      ? this.#upserts(type!, field, records, call)
      : records.map((each) => this.#one(method, each, call))
    if (allOrNone && results.some(({ success }) => !success))
      return error(501, 'NOT_IMPLEMENTED', 'this stand-in has no transactions')
    return { status: 200, body: results.map(method === 'POST' ? withoutCreated : plain) }
  }

  single(asked: Asked, path: string, call: WriteCall): Answer {
    const { method, query } = asked
    const body = (asked.body ?? {}) as Given
    const [, object = '', field, value] = /^\/sobjects\/(\w+)(?:\/([^/]+))?(?:\/(.+))?$/.exec(path) ?? []
    const sobject = this.#store.objects.get(object)
    if (sobject === undefined || this.#rows.rules.no_access.includes(object)) return notFound()
    if (field === 'describe') return { status: 200, body: this.#describe(object) }
    if (field === undefined) return method === 'POST' ? said(this.#rows.create(object, body, call), 201) : notFound()
    if (value !== undefined) {
      const known = this.#rows.visible(object).find(({ name, external }) => name === field && external)
      if (known === undefined)
        return error(404, 'NOT_FOUND', `Provided external ID field does not exist or is not accessible: ${field}`)
      const found = this.#store.by(object, field, value)
      if (found.length > 1) return { status: 300, body: found.map(({ Id }) => this.#url(object, Id)) }
      if (method === 'GET') return found[0] ? { status: 200, body: this.#shown(object, found[0]) } : notFound()
      if (method === 'DELETE') return found[0] ? said(this.#rows.delete(found[0].Id), 204) : notFound()
      if (found.length === 0 && query.get('updateOnly') === 'true') return notFound()
      const result = this.#rows.upsert(object, field, value, body, call) as RowResult
      return said(result, result.success && result.created ? 201 : 200)
    }
    const record = this.#store.get(object, field)
    if (record === undefined || record.IsDeleted === true) return notFound()
    if (method === 'GET') return { status: 200, body: this.#shown(object, record) }
    return said(
      method === 'DELETE' ? this.#rows.delete(record.Id) : this.#rows.update(object, record.Id, body, call),
      204,
    )
  }

  query({ path, query }: Asked, below: string): Answer {
    const cursor = /^\/query(?:All)?\/(\w+-\d+)$/i.exec(below)?.[1]
    if (cursor !== undefined) return this.#page(cursor)
    const text = query.get('q') ?? ''
    if (path.length + encodeURIComponent(text).length > LONGEST_URI)
      return error(414, 'URI_TOO_LONG', 'The length of the URI exceeds the 16,384 byte limit')
    try {
      return this.#run(text, /^\/queryAll/i.test(below))
    } catch (bad) {
      if (bad instanceof BadQuery) return error(400, 'MALFORMED_QUERY', bad.message)
      throw bad
    }
  }

  #run(text: string, all: boolean): Answer {
    const soql = readSoql(text)
    const object = [...this.#store.objects.keys()].find((name) => name.toLowerCase() === soql.from.toLowerCase())
    if (object === undefined || this.#rows.rules.no_access.includes(object))
      return error(400, 'INVALID_TYPE', `sObject type '${soql.from}' is not supported.`)
    const fields = this.#rows.visible(object)
    const names = new Map(fields.map(({ name }) => [name.toLowerCase(), name]))
    const relations = new Map(fields.flatMap(({ name, relationship }) => (relationship ? [[relationship, name]] : [])))
    const value = (record: Rec) => (field: string) => {
      const [relation, inner] = field.split('.')
      if (inner === undefined) return record[names.get(field.toLowerCase()) ?? '']
      return this.#related(record[relations.get(relation!) ?? ''])?.[inner]
    }
    for (const name of namedIn(soql)) {
      const known = name.includes('.') ? relations.has(name.split('.')[0]!) : names.has(name.toLowerCase())
      if (!known && !name.includes('(')) {
        const message = `\nSELECT ${soql.fields.join(',')}\nERROR at Row:1:Column:8\nNo such column '${name}' on entity '${object}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name.`
        return error(400, 'INVALID_FIELD', message)
      }
    }
    const order = soql.order.map(({ field, down }) => ({ field: names.get(field.toLowerCase()) ?? field, down }))
    const found = sorted(
      this.#store
        .all(object)
        .filter((record) => (all || record.IsDeleted !== true) && holds(soql.where, value(record))),
      order,
    ).slice(0, soql.limit ?? undefined)
    if (soql.fields[0] === 'COUNT()') return { status: 200, body: { totalSize: found.length, done: true, records: [] } }
    const shown = found.map((record) => {
      const picked: Fields = { attributes: { type: object, url: this.#url(object, record.Id) } }
      for (const field of soql.fields) {
        const [relation, inner] = field.split('.')
        if (inner === undefined) picked[names.get(field.toLowerCase())!] = value(record)(field) ?? null
        else {
          const related = this.#related(record[relations.get(relation!)!])
          const held = (picked[relation!] ?? null) as Fields | null
          picked[relation!] = related ? { ...held, [inner]: related[inner] ?? null } : null
        }
      }
      return picked
    })
    const id = `01g5f${String(this.#cursors.size + 1).padStart(10, '0')}`
    if (shown.length > this.page) this.#cursors.set(id, shown)
    return this.#page(`${id}-0`, shown)
  }

  #page(cursor: string, fresh?: Fields[]): Answer {
    const [id = '', from = '0'] = cursor.split('-')
    const all = fresh ?? this.#cursors.get(id)
    if (all === undefined) return error(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator')
    const next = Number(from) + this.page
    const more = next < all.length
    const rest = more ? { nextRecordsUrl: `/services/data/v${this.#version}/query/${id}-${next}` } : {}
    return {
      status: 200,
      body: { totalSize: all.length, done: !more, ...rest, records: all.slice(Number(from), next) },
    }
  }

  #related(id: unknown): Rec | undefined {
    if (typeof id !== 'string') return undefined
    return this.#store.get(this.#store.objectOf(id) ?? '', id)
  }

  #retrieve({ method, body, query }: Asked, object: string): Answer {
    const given = (body ?? {}) as { ids?: string[]; fields?: string[] }
    const ids = method === 'GET' ? (query.get('ids') ?? '').split(',') : (given.ids ?? [])
    const fields = method === 'GET' ? (query.get('fields') ?? '').split(',') : (given.fields ?? [])
    if (ids.length > 2_000) return tooMany(ids.length)
    const visible = new Set(this.#rows.visible(object).map(({ name }) => name))
    const strange = fields.find((name) => !visible.has(name))
    if (strange !== undefined)
      return error(400, 'INVALID_FIELD', `No such column '${strange}' on sobject of type ${object}`)
    const found = ids.map((id) => {
      const record = this.#store.get(object, id)
      if (record === undefined || record.IsDeleted === true) return null
      const picked = Object.fromEntries(['Id', ...fields].map((name) => [name, record[name] ?? null]))
      return { attributes: { type: object, url: this.#url(object, record.Id) }, ...picked }
    })
    return { status: 200, body: found }
  }

  #upserts(type: string, field: string, records: Given[], call: WriteCall): RowResult[] {
    const known = field === 'Id' || this.#rows.visible(type).some(({ name, external }) => name === field && external)
    const counts = new Map<string, number>()
    for (const each of records) counts.set(String(each[field]), (counts.get(String(each[field])) ?? 0) + 1)
    return records.map((each) => {
      const { attributes, [field]: key, ...fields } = each
      if (!known)
        return refuse('INVALID_FIELD', `Provided external ID field does not exist or is not accessible: ${field}`)
      if (attributes?.type !== type) return refuse('INVALID_TYPE', 'all records must be of one type')
      if (typeof key !== 'string' || key === '') return refuse('MISSING_ARGUMENT', `${field} not specified`)
      if (counts.get(key)! > 1) return refuse('DUPLICATE_VALUE', `Duplicate external id specified: ${key}`, [field])
      const result = this.#rows.upsert(type, field, key, fields, call)
      if (result !== 'several') return result
      const message = `${field}: more than one record found for external id field`
      return { success: false, errors: [no('DUPLICATE_EXTERNAL_ID', message, [])] }
    })
  }

  #one(method: string, { attributes, id, Id = id, ...fields }: Given, call: WriteCall): RowResult {
    const object = attributes?.type ?? ''
    if (!this.#store.objects.has(object)) return refuse('INVALID_TYPE', `sObject type '${object}' is not supported.`)
    if (method === 'POST') return this.#rows.create(object, fields, call)
    if (typeof Id !== 'string') return refuse('MISSING_ARGUMENT', 'Id not specified in an update call')
    return this.#rows.update(object, Id, fields, call)
  }

  #describe(object: string): object {
    const { prefix } = this.#store.objects.get(object)!
    const may = !this.#rows.rules.read_only.includes(object)
    const fields = this.#rows.visible(object).map(describeField)
    return {
      name: object,
      keyPrefix: prefix,
      createable: may,
      updateable: may,
      deletable: may,
      queryable: true,
      fields,
    }
  }

  #shown(object: string, record: Rec): Fields {
    const fields = this.#rows.visible(object).map(({ name }) => [name, record[name] ?? null] as const)
    return { attributes: { type: object, url: this.#url(object, record.Id) }, ...Object.fromEntries(fields) }
  }

  #url(object: string, id: string): string {
    return `/services/data/v${this.#version}/sobjects/${object}/${id}`
  }
}

function plain(result: RowResult): object {
  return result.success ? result : { success: false, errors: result.errors }
}

function withoutCreated(result: RowResult): object {
  return result.success ? { id: result.id, success: true, errors: [] } : plain(result)
}

function said(result: RowResult, status: number): Answer {
  if (result.success) return status === 204 ? { status } : { status, body: result }
  const body = result.errors.map(({ statusCode, message, fields }) => ({ message, errorCode: statusCode, fields }))
  return { status: body[0]?.errorCode === 'ENTITY_IS_DELETED' ? 404 : 400, body }
}

function notFound(): Answer {
  return error(404, 'NOT_FOUND', 'The requested resource does not exist')
}

function tooMany(count: number): Answer {
  return error(400, 'NUMBER_OUTSIDE_VALID_RANGE', `records: ${count} exceeds the limit of ${MOST}`)
}

function error(status: number, errorCode: string, message: string): Answer {
  return { status, body: [{ message, errorCode }] }
}
