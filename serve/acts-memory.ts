import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type IncomingMessage, incomingFolder, readMessageFile, writeMessageFile } from '../pipeline/incoming.ts'

/**
 * What was decided here, from the moment it is answered until a publication shows it: a run that takes a file in and has not
 * published yet leaves no other trace that a server, begun in the meantime, could see. Beside the files, where no run looks.
 */
export class ActsMemory {
  readonly #folder: string
  readonly #acts = new Map<string, { message: IncomingMessage; file: string }>()

  constructor(data: string) {
    this.#folder = join(incomingFolder(data), '.acts')
    for (const name of filesIn(this.#folder)) {
      const file = join(this.#folder, name)
      const message = readMessageFile(file)
      if (message !== undefined) this.#acts.set(message.id, { message, file })
    }
  }

  keep(message: IncomingMessage): void {
    mkdirSync(this.#folder, { recursive: true })
    const file = writeMessageFile(this.#folder, message)
    this.#acts.set(message.id, { message, file })
  }

  all(): IncomingMessage[] {
    return [...this.#acts.values()].map(({ message }) => message)
  }

  forget(ids: ReadonlySet<string>): void {
    for (const id of ids) {
      const kept = this.#acts.get(id)
      if (kept === undefined) continue
      rmSync(kept.file, { force: true })
      this.#acts.delete(id)
    }
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort()
  } catch {
    return []
  }
}
