import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { CrmError, type CrmOutcome, type CrmRecord, type CrmRow, defineCrm, type Fields, type Json } from '../define.ts'

const json: z.ZodType<Json> = z.json() as z.ZodType<Json>
const recordShape = z.object({ id: z.string().min(1), lead_engine_id: z.string().min(1).nullish() }).catchall(json)

type FileRecord = { id: string; lead_engine_id?: string | null } & Fields

/** A folder of JSON files, one an object: `companies.json`, a list of records sorted by id. People may edit it. */
export default defineCrm({
  title: 'JSON files',
  docs: 'https://www.rfc-editor.org/rfc/rfc8259',
  settings: z.strictObject({
    /** Folder, relative to the project. */
    path: z.string().min(1).default('data/crm'),
  }),
  objects: ['companies', 'contacts', 'deals'],
  reserved: ['id', 'lead_engine_id'],
  batch: 5_000,
  clock: 'as_of',
  async check({ root, settings }) {
    const folder = resolve(root, settings.path)
    mkdirSync(folder, { recursive: true })
    return `${relative(root, folder)} is there`
  },
  async *pull({ root, settings }, object) {
    yield readRecords(root, pathOf(root, settings.path, object)).map(toRecord)
  },
  async upsert({ root, settings }, object, rows) {
    const path = pathOf(root, settings.path, object)
    const records = readRecords(root, path)
    const byKey = new Map(records.map(({ lead_engine_id }, index) => [lead_engine_id ?? '', index]))
    const byId = new Map(records.map(({ id }, index) => [id, index]))
    const outcomes = rows.map((row): CrmOutcome => {
      const index = byKey.get(row.record_id) ?? byId.get(row.crm_id ?? row.record_id) ?? records.length
      const stamp = records[index]?.lead_engine_id
      if (stamp && stamp !== row.record_id) {
        return {
          crm_id: null,
          status: 'rejected',
          error: `the record with this id bears the lead_engine_id '${stamp}'`,
        }
      }
      const record = merge(records[index], row)
      records[index] = record
      byKey.set(row.record_id, index)
      byId.set(record.id, index)
      return { crm_id: record.id, status: 'synced', error: null }
    })
    if (rows.length > 0) writeRecords(root, path, records)
    return outcomes
  },
})

function pathOf(root: string, folder: string, object: string): string {
  return join(resolve(root, folder), `${object}.json`)
}

function toRecord({ id, lead_engine_id, ...fields }: FileRecord): CrmRecord {
  return { crm_id: id, record_id: lead_engine_id ?? null, fields, modified_at: null }
}

/** What is there keeps its place; a new record bears our id as its own. */
function merge(existing: FileRecord | undefined, { record_id, fields }: CrmRow): FileRecord {
  const { id = record_id, lead_engine_id: _, ...rest } = existing ?? ({} as Partial<FileRecord>)
  return { id, lead_engine_id: record_id, ...(rest as Fields), ...fields }
}

function readRecords(root: string, path: string): FileRecord[] {
  const file = relative(root, path)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new CrmError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`)
  }
  const parsed = z.array(recordShape).safeParse(parse(file, text))
  if (!parsed.success) {
    const { path: at, message } = parsed.error.issues[0]!
    throw new CrmError(
      `${file}: record ${Number(at[0] ?? 0) + 1}, ${at.slice(1).join('.') || 'as a whole'}: ${message}`,
    )
  }
  const records = parsed.data as FileRecord[]
  for (const key of ['id', 'lead_engine_id'] as const) {
    const seen = new Set<string>()
    for (const { [key]: value } of records) {
      if (value && seen.has(value))
        throw new CrmError(`${file}: two records have the ${key} '${value}'; keep one of them`)
      if (value) seen.add(value)
    }
  }
  return records
}

/** The parser's own message would quote the file, and with it people's data: only the line is told. */
function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    const lines = new LineCounter()
    const [error] = parseDocument(text, { lineCounter: lines, prettyErrors: false }).errors
    const line = error === undefined ? '' : `:${lines.linePos(error.pos[0]).line}`
    throw new CrmError(`${file}${line} is not valid JSON; mend it by hand or put back a copy`)
  }
}

/** Whole or not at all: a reader, or the next run after a crash, sees the old file or the new one. */
function writeRecords(root: string, path: string, records: FileRecord[]): void {
  const sorted = records.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  const folder = dirname(path)
  const temporary = `${path}.tmp`
  try {
    mkdirSync(folder, { recursive: true })
    const file = openSync(temporary, 'w')
    try {
      writeFileSync(file, `${JSON.stringify(sorted, null, 2)}\n`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
    const directory = openSync(folder, 'r')
    fsyncSync(directory)
    closeSync(directory)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw new CrmError(
      `${relative(root, path)} cannot be written: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`,
    )
  }
}
