/** The CTEs at the top of a query, in order, and where the last of them ends. */
export interface Ctes {
  names: string[]
  /** Position behind the last closing parenthesis; 0 when there is none. */
  end: number
}

/** Finds the CTEs by their brackets: what DuckDB's parser accepts is taken apart without being changed. */
export function ctesOf(sql: string): Ctes {
  const scanner = new Scanner(sql)
  const names: string[] = []
  if (!scanner.word('with')) return { names, end: 0 }
  scanner.word('recursive')
  for (;;) {
    const name = scanner.identifier()
    if (name === undefined) return { names: [], end: 0 }
    scanner.brackets()
    if (scanner.word('using')) {
      scanner.word('key')
      scanner.brackets()
    }
    scanner.word('as')
    scanner.word('not')
    scanner.word('materialized')
    if (!scanner.brackets()) return { names: [], end: 0 }
    names.push(name)
    const end = scanner.position
    if (!scanner.take(',')) return { names, end }
  }
}

/** The query of one CTE: the same lines, with `select * from` it in place of what followed the CTEs. */
export function cteQuery(sql: string, cte: string): string {
  return `${sql.slice(0, ctesOf(sql).end)} select * from "${cte.replaceAll('"', '""')}"`
}

class Scanner {
  position = 0
  readonly #sql: string

  constructor(sql: string) {
    this.#sql = sql
  }

  word(word: string): boolean {
    this.#skip()
    const found = this.#sql.slice(this.position, this.position + word.length)
    if (found.toLowerCase() !== word || /\w/.test(this.#sql[this.position + word.length] ?? '')) return false
    this.position += word.length
    return true
  }

  take(character: string): boolean {
    this.#skip()
    if (this.#sql[this.position] !== character) return false
    this.position++
    return true
  }

  identifier(): string | undefined {
    this.#skip()
    const found = /"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*/uy
    found.lastIndex = this.position
    const text = found.exec(this.#sql)?.[0]
    if (text === undefined) return undefined
    this.position += text.length
    return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text
  }

  /** Goes behind a pair of parentheses with all that is in it. */
  brackets(): boolean {
    if (!this.take('(')) return false
    for (let depth = 1; depth > 0; ) {
      this.#skip()
      const character = this.#sql[this.position]
      if (character === undefined) return false
      if (character === "'" || character === '"') this.#quoted(character)
      else if (character === '$') this.#dollar()
      else {
        if (character === '(') depth++
        if (character === ')') depth--
        this.position++
      }
    }
    return true
  }

  #quoted(quote: string): void {
    const escapes = quote === "'" && /\be$/i.test(this.#sql.slice(0, this.position))
    for (this.position++; this.position < this.#sql.length; this.position++) {
      if (escapes && this.#sql[this.position] === '\\') this.position++
      else if (this.#sql[this.position] === quote) break
    }
    this.position++
  }

  #dollar(): void {
    const tag = /^\$(?:[A-Za-z_]\w*)?\$/.exec(this.#sql.slice(this.position))?.[0]
    const end = tag === undefined ? -1 : this.#sql.indexOf(tag, this.position + tag.length)
    this.position = tag === undefined || end < 0 ? this.position + 1 : end + tag.length
  }

  #skip(): void {
    const blank = /(?:\s+|--[^\n]*|\/\*[\s\S]*?\*\/)*/y
    blank.lastIndex = this.position
    blank.exec(this.#sql)
    this.position = blank.lastIndex
  }
}
