import { existsSync, realpathSync } from 'node:fs'
import { type Connection, openDatabase } from './duckdb.ts'

export interface PublishedFile {
  connection: Connection
  close(): void
}

/** What readers see, opened read-only; undefined when nothing is published. It stays whole while it is open. */
export async function openPublished(warehouse: string): Promise<PublishedFile | undefined> {
  if (!existsSync(warehouse)) return undefined
  const database = await openDatabase({ path: realpathSync(warehouse), read_only: true })
  const connection = await database.connect()
  return {
    connection,
    close() {
      connection.close()
      database.close()
    },
  }
}
