import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'

const schema = z.object({
  /** When an incident was told where: `<channel> <key>`. */
  told: z.record(z.string(), z.string()).default({}),
  /** Rows of tables, as far as they were seen, by publication. */
  tables: z.record(z.string(), z.object({ fewest: z.number(), times: z.number() })).default({}),
  /** The last publication that was looked at. */
  publication: z.string().nullable().default(null),
})

/** What was told, and what is usual. */
export type NotifyState = z.output<typeof schema>

/** Of a file that is not there, or cannot be read: as if nothing had been told. */
export function readState(file: string): NotifyState {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return schema.parse({})
  }
}

/** Whole or not at all. */
export function writeState(file: string, state: NotifyState): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(state))
  renameSync(`${file}.${process.pid}`, file)
}
