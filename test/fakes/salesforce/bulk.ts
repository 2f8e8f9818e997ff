import { numbers } from '../faults.ts'
import type { Answer, Asked } from '../server.ts'
import { readCsv, writeCsv } from './csv.ts'
import type { RowResult, Rows } from './rows.ts'
import type { Field } from './schema.ts'
import type { Rec, Store } from './store.ts'

type Job = Rec & { state: string; object: string; operation: string; externalIdFieldName: string | null }

/** In this order, each step taken after `patience` requests of any kind. */
const NEXT: Record<string, string> = { UploadComplete: 'InProgress', InProgress: 'JobComplete' }
const PAGE = 2_000

/** Bulk API 2.0 ingest. Half of a job's rows are applied when it is in progress, the rest when it completes. */
export class Bulk {
  /** Requests that a job waits for before its next state. */
  patience = 2
  /** The next jobs end so, after this share of their rows. */
  readonly failing: { after: number; message: string }[] = []
  readonly #store: Store
  readonly #rows: Rows
  readonly #version: string
  readonly #waited = new Map<string, number>()
  readonly #read = new Map<string, string[][]>()

  constructor(store: Store, rows: Rows, version: string) {
    this.#store = store
    this.#rows = rows
    this.#version = version
  }

  /** Time goes on. */
  tick(): void {
    for (const job of this.#jobs()) {
      if (NEXT[job.state] === undefined) continue
      const waited = (this.#waited.get(job.Id) ?? 0) + 1
      this.#waited.set(job.Id, waited > this.patience ? 0 : waited)
      if (waited > this.patience) this.#advance(job)
    }
  }

  /** `path` below /jobs/ingest. */
  handle({ method, text, body, query, headers }: Asked, path: string, user: string): Answer {
    if (path === '') return method === 'POST' ? this.#open(body as Record<string, unknown>, user) : this.#list()
    const [, id = '', part] = /^\/(\w+)(?:\/(\w+))?$/.exec(path) ?? []
    const job = this.#store.get('#job', id) as Job | undefined
    if (job === undefined || job.state === 'Deleted')
      return error(404, 'NOT_FOUND', 'The requested resource does not exist')
    if (part === undefined && method === 'GET') return { status: 200, body: this.#told(job) }
    if (part === undefined && method === 'PATCH') return this.#close(job, String((body as { state?: string })?.state))
    if (part === undefined && method === 'DELETE') {
      if (NEXT[job.state] !== undefined)
        return error(409, 'INVALIDJOBSTATE', `Cannot delete a job that is ${job.state}`)
      this.#set(job, { state: 'Deleted', csv: '' })
      return { status: 204 }
    }
    if (part === 'batches' && method === 'PUT') return this.#upload(job, text, headers['content-type'] ?? '')
    const ends = ['JobComplete', 'Failed', 'Aborted'].includes(job.state)
    if (!ends) return error(400, 'INVALIDJOBSTATE', `Results are not ready: the job is ${job.state}`)
    const { header, results } = this.#results(job)
    if (part === 'successfulResults') {
      const lines = results.flatMap(({ row, result }) =>
        result?.success ? [[result.id, String(result.created), ...row]] : [],
      )
      return paged([['sf__Id', 'sf__Created', ...header], ...lines], query)
    }
    if (part === 'failedResults') {
      const lines = results.flatMap(({ row, result }) =>
        result && !result.success ? [['', textOf(result), ...row]] : [],
      )
      return paged([['sf__Id', 'sf__Error', ...header], ...lines], query)
    }
    if (part === 'unprocessedrecords')
      return paged([header, ...results.flatMap(({ row, result }) => (result ? [] : [row]))], query)
    return error(404, 'NOT_FOUND', 'The requested resource does not exist')
  }

  #jobs(): Job[] {
    return this.#store.all('#job') as Job[]
  }

  #set(job: Job, fields: Record<string, unknown>): void {
    this.#store.put('#job', job.Id, { ...fields, systemModstamp: this.#store.stamp() })
  }

  #open(body: Record<string, unknown>, user: string): Answer {
    const { object, operation, externalIdFieldName = null } = body ?? {}
    if (!this.#store.objects.has(String(object)))
      return error(400, 'INVALIDENTITY', `Unable to find object: ${String(object)}`)
    const id = this.#store.newId('#job')
    const fields = { object, operation, externalIdFieldName, state: 'Open', csv: null, done: 0 }
    const at = this.#store.stamp()
    this.#store.put('#job', id, { ...fields, results: [], createdById: user, createdDate: at, systemModstamp: at })
    const job = this.#store.get('#job', id) as Job
    return {
      status: 200,
      body: { ...this.#told(job), contentUrl: `services/data/v${this.#version}/jobs/ingest/${id}/batches` },
    }
  }

  #list(): Answer {
    const records = this.#jobs()
      .filter(({ state }) => state !== 'Deleted')
      .map((job) => this.#told(job))
    return { status: 200, body: { done: true, nextRecordsUrl: null, records } }
  }

  #upload(job: Job, text: string, type: string): Answer {
    if (!type.startsWith('text/csv')) return error(400, 'INVALIDCONTENTTYPE', 'Content-Type must be text/csv')
    if (job.state !== 'Open' || job.csv !== null)
      return error(400, 'INVALIDJOBSTATE', `Found multiple contents for job: <${job.Id}>`)
    this.#set(job, { csv: text })
    return { status: 201 }
  }

  #close(job: Job, state: string): Answer {
    const mayAbort = job.state === 'Open' || NEXT[job.state] !== undefined
    if (state === 'Aborted' && mayAbort) this.#set(job, { state })
    else if (state === 'UploadComplete' && job.state === 'Open' && job.csv !== null) this.#set(job, { state })
    else return error(400, 'INVALIDJOBSTATE', `Job cannot go from ${job.state} to ${state}`)
    return { status: 200, body: this.#told(this.#store.get('#job', job.Id) as Job) }
  }

  #advance(job: Job): void {
    const state = NEXT[job.state]!
    const { header, rows } = this.#input(job)
    const strange = header.find((name) => !this.#isColumn(job.object, name))
    if (strange !== undefined) {
      this.#set(job, { state: 'Failed', errorMessage: `InvalidBatch : Field name not found : ${strange}` })
      return
    }
    const failure = state === 'JobComplete' ? this.failing.shift() : undefined
    const share = failure?.after ?? (state === 'InProgress' ? 0.5 : 1)
    const upTo = Math.max(Number(job.done), Math.floor(rows.length * share))
    const results = [...(job.results as RowResult[])]
    for (let at = Number(job.done); at < upTo; at++) results[at] = this.#apply(job, header, rows[at]!)
    const end = failure === undefined ? { state } : { state: 'Failed', errorMessage: failure.message }
    this.#set(job, { ...end, done: upTo, results })
  }

  #apply(job: Job, header: string[], row: string[]): RowResult {
    const { object, operation, externalIdFieldName } = job
    const fields = this.#fieldsOf(object, header, row)
    const call = { user: String(job.createdById), allow_save: false, trace: job.Id }
    if (operation === 'delete') return this.#rows.delete(String(fields.Id))
    const { Id, ...rest } = fields
    if (operation === 'update') return this.#rows.update(object, String(Id), rest, call)
    if (operation === 'insert') return this.#rows.create(object, rest, call)
    const { [externalIdFieldName!]: key, ...others } = rest
    if (typeof key !== 'string')
      return {
        success: false,
        errors: [{ statusCode: 'MISSING_ARGUMENT', message: `${externalIdFieldName} not specified`, fields: [] }],
      }
    const result = this.#rows.upsert(object, externalIdFieldName!, key, others, call)
    if (result !== 'several') return result
    const message = `${externalIdFieldName}: more than one record found for external id field`
    return { success: false, errors: [{ statusCode: 'DUPLICATE_EXTERNAL_ID', message, fields: [] }] }
  }

  /** Text as the org reads it: an empty cell says nothing, `#N/A` empties, `Parent.Key__c` refers. */
  #fieldsOf(object: string, header: string[], row: string[]): Record<string, unknown> {
    const fields: Record<string, unknown> = {}
    for (const [index, name] of header.entries()) {
      const text = row[index] ?? ''
      if (text === '') continue
      const [, type, relation, key] = /^(?:(\w+):)?(\w+)\.(\w+)$/.exec(name) ?? []
      if (relation !== undefined) fields[relation] = { ...(type ? { attributes: { type } } : {}), [key!]: text }
      else fields[name] = text === '#N/A' ? null : cellValue(this.#field(object, name), text)
    }
    return fields
  }

  #field(object: string, name: string): Field | undefined {
    return this.#rows.visible(object).find((field) => field.name === name)
  }

  #isColumn(object: string, name: string): boolean {
    const relation = /^(?:\w+:)?(\w+)\.\w+$/.exec(name)?.[1]
    return this.#rows
      .visible(object)
      .some((field) => (relation ? field.relationship === relation : field.name === name))
  }

  #input(job: Job): { header: string[]; rows: string[][] } {
    const [header = [], ...rows] = this.#read.get(job.Id) ?? readCsv(String(job.csv ?? ''))
    if (job.csv !== null) this.#read.set(job.Id, [header, ...rows])
    return { header, rows }
  }

  #results(job: Job): { header: string[]; results: { row: string[]; result: RowResult | undefined }[] } {
    const { header, rows } = this.#input(job)
    const all = job.results as RowResult[]
    const results = rows.map((row, index) => ({ row, result: all[index] }))
    const draw = numbers(Number.parseInt(job.Id.slice(-8, -3), 36))
    for (let at = results.length - 1; at > 0; at--) {
      const other = Math.floor(draw() * (at + 1))
      ;[results[at], results[other]] = [results[other]!, results[at]!]
    }
    return { header, results }
  }

  #told(job: Job): Record<string, unknown> {
    const { Id: id, csv: _, done, results, ...rest } = job
    const failed = (results as RowResult[]).filter(({ success }) => !success).length
    const numbers = { numberRecordsProcessed: done, numberRecordsFailed: failed, retries: 0, totalProcessingTime: 1 }
    const shape = { concurrencyMode: 'Parallel', contentType: 'CSV', lineEnding: 'LF', columnDelimiter: 'COMMA' }
    return { id, ...rest, ...shape, apiVersion: Number(this.#version), jobType: 'V2Ingest', ...numbers }
  }
}

function cellValue(field: Field | undefined, text: string): unknown {
  if (field?.type === 'boolean' && /^(true|false|1|0)$/i.test(text)) return /^(true|1)$/i.test(text)
  if (['int', 'double', 'currency', 'percent'].includes(field?.type ?? '') && !Number.isNaN(Number(text)))
    return Number(text)
  return text
}

function textOf(result: Extract<RowResult, { success: false }>): string {
  const [{ statusCode, message, fields }] = result.errors as [
    RowResult['errors'][number] & { statusCode: string; message: string; fields: string[] },
  ]
  return `${statusCode}:${message}:${fields.join(', ')} --`
}

function paged([header, ...rows]: string[][], query: URLSearchParams): Answer {
  const from = Number(query.get('locator') ?? 0)
  const size = Math.min(Number(query.get('maxRecords') ?? PAGE), PAGE)
  const page = rows.slice(from, from + size)
  const next = from + size < rows.length ? String(from + size) : 'null'
  return {
    status: 200,
    headers: { 'content-type': 'text/csv', 'sforce-locator': next, 'sforce-numberofrecords': String(page.length) },
    body: writeCsv([header!, ...page]),
  }
}

function error(status: number, errorCode: string, message: string): Answer {
  return { status, body: [{ errorCode, message }] }
}
