import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * What parsing a text came to, by its content. Parsing is most of a start's time, and files seldom change; where a thing
 * stands is found by parsing again, only when a message needs it. Losing the cache costs time, nothing else.
 */
class ParseCache {
  #file: string | undefined
  #code = ''
  #known = new Map<string, unknown>()
  #used = new Map<string, unknown>()

  /** `code` stands for the program: what another one parsed does not count. */
  open(file: string, code: string): void {
    this.#file = file
    this.#code = code
    this.#used = new Map()
    try {
      const held = JSON.parse(readFileSync(file, 'utf8')) as { code: string; parsed: Record<string, unknown> }
      this.#known = new Map(held.code === code ? Object.entries(held.parsed) : [])
    } catch {
      this.#known = new Map()
    }
  }

  /** What a text came to that was parsed without error before. */
  find(key: string): { data: unknown } | undefined {
    if (!this.#known.has(key)) return undefined
    const data = this.#known.get(key)
    this.#used.set(key, data)
    return { data: structuredClone(data) }
  }

  keep(key: string, data: unknown): void {
    if (this.#file !== undefined) this.#used.set(key, structuredClone(data))
  }

  /** Writes what was used since `open`, if it is not what the file holds. */
  save(): void {
    if (this.#file === undefined) return
    const same = this.#used.size === this.#known.size && [...this.#used.keys()].every((key) => this.#known.has(key))
    if (same) return
    try {
      mkdirSync(dirname(this.#file), { recursive: true })
      writeFileSync(
        `${this.#file}.${process.pid}`,
        JSON.stringify({ code: this.#code, parsed: Object.fromEntries(this.#used) }),
      )
      renameSync(`${this.#file}.${process.pid}`, this.#file)
    } catch {
      // A folder that cannot be written makes starts slower, not wrong.
    }
  }
}

export const parseCache = new ParseCache()

/** The key of what `kind` of parsing makes of a text. */
export function parseKey(kind: string, text: string): string {
  return createHash('sha1').update(kind).update('\u0000').update(text).digest('hex')
}
