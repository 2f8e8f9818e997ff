import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { CrmError, type Fields, type Json } from '../../define.ts'

const json: z.ZodType<Json> = z.json() as z.ZodType<Json>
const recordShape = z.object({ id: z.string().min(1), lead_engine_id: z.string().min(1).nullish() }).catchall(json)

export type FileRecord = { id: string; lead_engine_id?: string | null } & Fields

/** Those of one file, none when it is not there. Throws CrmError, with the place and without the data. */
export function readRecords(root: string, path: string): FileRecord[] {
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
export function writeRecords(root: string, path: string, records: FileRecord[]): void {
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
