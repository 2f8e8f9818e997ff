import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DOCS_FILE, type Docs } from '../pipeline/state/docs-file.ts'
import type { Snapshot } from './publications.ts'

/** What people read of the project that a publication was made from; undefined of one that an older version made. */
export function docsBeside(snapshot: Snapshot): Promise<Docs | undefined> {
  return snapshot.memo('docs', async () => {
    const text = await readFile(join(snapshot.folder, DOCS_FILE), 'utf8').catch(() => undefined)
    return text === undefined ? undefined : (JSON.parse(text) as Docs)
  })
}
