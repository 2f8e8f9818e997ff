import { type CrmContext, CrmError, type CrmRow, type Fields, type Outcome, RemoteError } from '../../define.ts'
import { bodyOf, type Client, PASSING, troubleOf } from './client.ts'
import { csvLine, readCsv } from './csv.ts'
import { KEY, keyOf, lookupsOf, type Shape } from './objects.ts'
import { refusal, type Writer } from './rows.ts'
import type { Settings } from './settings.ts'
import { toCell } from './values.ts'

/** Salesforce takes 150 MB in base64. */
const JOB_BYTES = 60 * 1024 * 1024
/** One page of results fits into an answer that the HTTP layer takes. */
const PAGE_BYTES = 16 * 1024 * 1024
const LONGEST_JOB_MS = 6 * 3_600_000
const AT_WORK = new Set(['UploadComplete', 'InProgress'])

interface Job {
  id: string
  object: string
  state: string
  errorMessage?: string
}

export interface Bulk {
  /**
   * Waits for the jobs on this sObject that are still at work, such as one whose process was killed: what they write late must
   * not overwrite what is read, or written, now. An open job has applied nothing and never will.
   */
  settle(shape: Shape): Promise<void>
  upsert(shape: Shape, rows: readonly CrmRow[]): Promise<Outcome[]>
}

/** Bulk API 2.0. The org itself keeps the jobs: after a kill they are found there, by whoever asks. */
export function createBulk({ now, signal }: CrmContext<Settings>, client: Client, rows: Writer): Bulk {
  let found: Promise<Job[]> | undefined

  async function unfinished(): Promise<Job[]> {
    const jobs: Job[] = []
    let path: string | null = client.path('/jobs/ingest')
    while (path !== null) {
      const answer = await client.ask({ path, query: path.includes('?') ? {} : { jobType: 'V2Ingest' } })
      if (answer.status !== 200) throw notDone(bodyOf(answer), 'the jobs')
      const page = bodyOf(answer) as { records?: Job[]; nextRecordsUrl?: string | null }
      jobs.push(...(page.records ?? []).filter(({ state }) => AT_WORK.has(state)))
      path = page.nextRecordsUrl ?? null
    }
    return jobs
  }

  /** Until it has ended, one way or the other. */
  async function ended(id: string): Promise<Job> {
    const until = now().getTime() + LONGEST_JOB_MS
    for (;;) {
      signal.throwIfAborted()
      try {
        const answer = await client.poll(client.path(`/jobs/ingest/${id}`))
        if (answer.status === 200) return bodyOf(answer) as Job
        throw notDone(bodyOf(answer), `job ${id}`)
      } catch (error) {
        const isAtWork = error instanceof RemoteError && error.reason === 'later'
        if (!isAtWork || now().getTime() > until) throw error
      }
    }
  }

  /** An upload that was not told to be there, or a state that cannot be left: nothing was applied, so the job is given up. */
  async function opened(body: object, csv: string): Promise<string> {
    const made = await client.ask({ method: 'POST', path: client.path('/jobs/ingest'), body })
    const job = bodyOf(made) as Job & { contentUrl?: string }
    if (made.status !== 200)
      throw new CrmError(
        `Salesforce opens no job (${textOf(job)}). Give the integration user the permission API Enabled`,
      )
    const path = client.path(`/jobs/ingest/${job.id}`)
    const headers = { 'content-type': 'text/csv; charset=UTF-8' }
    const sent = await client.ask({ method: 'PUT', path: `${path}/batches`, body: csv, headers })
    const isThere = sent.status === 201 || troubleOf(bodyOf(sent)).errorCode === 'INVALIDJOBSTATE'
    if (!isThere) throw notDone(bodyOf(sent), `the upload of job ${job.id}`)
    const closed = await client.ask({ method: 'PATCH', path, body: { state: 'UploadComplete' } })
    if (closed.status !== 200 && troubleOf(bodyOf(closed)).errorCode !== 'INVALIDJOBSTATE')
      throw notDone(bodyOf(closed), `job ${job.id}`)
    return job.id
  }

  async function* results(id: string, part: string, page: number): AsyncGenerator<Record<string, string>[]> {
    let locator: string | undefined
    do {
      const params = { maxRecords: page, locator }
      const request = {
        path: client.path(`/jobs/ingest/${id}/${part}`),
        query: params,
        headers: { accept: 'text/csv' },
      }
      const answer = await client.ask(request)
      if (answer.status !== 200) throw notDone(bodyOf(answer), `the results of job ${id}`)
      yield readCsv(answer.text)
      locator = answer.headers['sforce-locator']
    } while (locator !== undefined && locator !== 'null')
  }

  /** One job; outcomes by our key, since results come in no order. Rows that nothing is told of are unknown. */
  async function run(shape: Shape, some: readonly CrmRow[]): Promise<Map<string, Outcome>> {
    const byId = some[0]!.crm_id !== null
    const { header, lines } = tableOf(shape, some, byId)
    const csv = csvLine(header) + lines.join('')
    const id = await opened(
      {
        ...{ object: shape.sobject, contentType: 'CSV', lineEnding: 'LF', columnDelimiter: 'COMMA' },
        ...(byId ? { operation: 'update' } : { operation: 'upsert', externalIdFieldName: KEY }),
      },
      csv,
    )
    const job = await ended(id)
    const message = job.errorMessage ?? ''
    if (/^InvalidBatch/i.test(message))
      throw new CrmError(`Salesforce takes no job on ${shape.sobject}: ${message}. Mend the mapping`)
    const outcomes = new Map<string, Outcome>()
    const page = Math.max(1, Math.floor(PAGE_BYTES / Math.max(1, csv.length / some.length + 50)))
    for await (const done of results(id, 'successfulResults', page))
      for (const row of done) outcomes.set(row[KEY]!.toLowerCase(), { status: 'done', crm_id: row.sf__Id! })
    for await (const failed of results(id, 'failedResults', page))
      for (const row of failed) outcomes.set(row[KEY]!.toLowerCase(), failureOf(row.sf__Error ?? ''))
    return outcomes
  }

  return {
    async settle({ sobject }) {
      found ??= unfinished()
      const mine = (await found).filter(({ object }) => object === sobject)
      for (const { id } of mine) await ended(id)
      found = Promise.resolve((await found).filter((job) => !mine.includes(job)))
    },
    async upsert(shape, all) {
      const outcomes = new Map<string, Outcome>()
      for (const known of [false, true]) {
        for (const some of cutBySize(
          shape,
          all.filter(({ crm_id }) => (crm_id !== null) === known),
        )) {
          for (const [key, outcome] of await run(shape, some)) outcomes.set(key, outcome)
        }
      }
      const of = ({ record_id }: CrmRow) => outcomes.get(keyOf(shape, record_id).toLowerCase())
      // Locked ones, those that were merged away and those the job did not come to are few: they go the other way.
      const left = all.filter((row) => ['unknown', 'gone'].includes(of(row)?.status ?? 'unknown'))
      for (const [index, outcome] of (await rows.upsert(shape, left)).entries())
        outcomes.set(keyOf(shape, left[index]!.record_id).toLowerCase(), outcome)
      return all.map((row) => of(row) ?? { status: 'unknown', crm_id: null })
    },
  }
}

function tableOf(shape: Shape, some: readonly CrmRow[], byId: boolean): { header: string[]; lines: string[] } {
  const written = some.map(({ fields, links }): Fields => ({ ...fields, ...lookupsOf(shape, links) }))
  const names = [...new Set(written.flatMap((fields) => Object.keys(fields)))]
  const header = [...(byId ? ['Id'] : []), KEY, ...names]
  const lines = some.map(({ crm_id, record_id }, index) =>
    csvLine([
      ...(byId ? [crm_id!] : []),
      keyOf(shape, record_id),
      ...names.map((name) => toCell(written[index]![name])),
    ]),
  )
  return { header, lines }
}

/** By what their values weigh, names left out: cells without a value take a comma each. */
function* cutBySize(shape: Shape, all: readonly CrmRow[]): Generator<CrmRow[]> {
  let some: CrmRow[] = []
  let bytes = 0
  for (const row of all) {
    const size = 100 + Object.values(fieldsSize(shape, row)).reduce((sum, text) => sum + Buffer.byteLength(text) + 3, 0)
    if (some.length > 0 && bytes + size > JOB_BYTES) {
      yield some
      some = []
      bytes = 0
    }
    some.push(row)
    bytes += size
  }
  if (some.length > 0) yield some
}

function fieldsSize(shape: Shape, { fields, links }: CrmRow): string[] {
  return Object.values({ ...fields, ...lookupsOf(shape, links) }).map(toCell)
}

/** `STRING_TOO_LONG:Name: data value too large:Name --` */
function failureOf(text: string): Outcome {
  const [, errorCode = 'UNKNOWN', message = text, names = ''] = /^([A-Z_]+):(.*):([^:]*?) ?--$/s.exec(text.trim()) ?? []
  const fields = names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const outcome = refusal({ errorCode, message, fields })
  return PASSING.has(errorCode) ? { ...outcome, status: 'unknown' } : outcome
}

function notDone(body: unknown, what: string): Error {
  return new RemoteError(`Salesforce: ${what}: ${textOf(body)}`, 'salesforce', { reason: 'later' })
}

function textOf(body: unknown): string {
  const { errorCode, message } = troubleOf(body)
  return `${errorCode}: ${message}`
}
