import { hash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * What parsing a text came to, by its content. Parsing is most of a start's time, and files seldom change; where a thing
 * stands is found by parsing again, only when a message needs it. Losing the cache costs time, nothing else.
 */
class ParseCache {
  #file: string | undefined
  #code = ''
  /** Key → JSON: taken apart only when it is asked for, and anew each time, so that no one changes another's. */
  #known = new Map<string, string>()
  #used = new Map<string, string>()

  /** `code` stands for the program: what another one parsed does not count. */
  open(file: string, code: string): void {
    this.#file = file
    this.#code = code
    this.#used = new Map()
    this.#known = new Map()
    try {
      const [held, ...lines] = readFileSync(file, 'utf8').split('\n')
      if (held === code) for (const line of lines) this.#known.set(line.slice(0, KEY_LENGTH), line.slice(KEY_LENGTH))
    } catch {
      // There is none yet.
    }
  }

  /** What a text came to that was parsed without error before. It is shared: nobody changes it. */
  find(key: string): { data: unknown } | undefined {
    const json = this.#known.get(key)
    if (json === undefined) return undefined
    this.#used.set(key, json)
    return { data: JSON.parse(json) as unknown }
  }

  keep(key: string, data: unknown): void {
    const json = this.#file === undefined ? undefined : (JSON.stringify(data) as string | undefined)
    if (json !== undefined) this.#used.set(key, json)
  }

  /** Writes what was used since `open`, if it is not what the file holds. */
  save(): void {
    if (this.#file === undefined) return
    const same = this.#used.size === this.#known.size && [...this.#used.keys()].every((key) => this.#known.has(key))
    if (same) return
    try {
      mkdirSync(dirname(this.#file), { recursive: true })
      const lines = [this.#code, ...[...this.#used].map(([key, json]) => key + json)]
      writeFileSync(`${this.#file}.${process.pid}`, lines.join('\n'))
      renameSync(`${this.#file}.${process.pid}`, this.#file)
    } catch {
      // A folder that cannot be written makes starts slower, not wrong.
    }
  }
}

/** Of a SHA-1 in hexadecimal. */
const KEY_LENGTH = 40

export const parseCache = new ParseCache()

/** The key of what `kind` of parsing makes of a text. */
export function parseKey(kind: string, text: string): string {
  return hash('sha1', `${kind}\u0000${text}`)
}
