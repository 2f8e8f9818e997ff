/** A DuckDB type as `duckdb_columns()` writes it, taken apart. */
type Parsed =
  | { kind: 'plain'; name: string; arguments: string }
  | { kind: 'list'; of: Parsed }
  | { kind: 'struct'; fields: [string, Parsed][] }
  | { kind: 'map'; value: Parsed }

const NUMBERS = ['TINYINT', 'SMALLINT', 'INTEGER', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'FLOAT', 'DOUBLE']
const WIDE = ['BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT']
/** Up to so many digits a DECIMAL is delivered as a number. */
const EXACT_DIGITS = 15

/**
 * The TypeScript type of the values that a column of this DuckDB type has in TypeScript, NULL apart: what `toValue` in
 * warehouse/duckdb.ts delivers. BIGINT and wider are a number while exact, else text; so is the type. What a list, struct
 * or map holds may be NULL, whatever a test says of the column.
 */
export function typescriptOf(type: string): string {
  return textOf(new TypeParser(type).parse())
}

function textOf(type: Parsed): string {
  switch (type.kind) {
    case 'list':
      return `(${nullable(type.of)})[]`
    case 'struct':
      return `{ ${type.fields.map(([name, field]) => `${propertyName(name)}: ${nullable(field)}`).join('; ')} }`
    case 'map':
      return `Record<string, ${nullable(type.value)}>`
    case 'plain':
      return plainText(type)
  }
}

function nullable(type: Parsed): string {
  const text = textOf(type)
  return text === 'null' ? text : `${text} | null`
}

function plainText({ name, arguments: given }: { name: string; arguments: string }): string {
  if (name === 'BOOLEAN') return 'boolean'
  if (NUMBERS.includes(name)) return 'number'
  if (WIDE.includes(name)) return 'number | string'
  if (name === 'DECIMAL') return Number(given.split(',')[0]) <= EXACT_DIGITS ? 'number' : 'string'
  return name === 'NULL' ? 'null' : 'string'
}

export function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/** Reads `STRUCT(a INTEGER, "b c" DECIMAL(18,2)[])[]` and its like. */
class TypeParser {
  readonly #text: string
  #position = 0

  constructor(text: string) {
    this.#text = text
  }

  parse(): Parsed {
    let type = this.#base()
    for (let suffix = this.#match(/\s*\[\d*\]/y); suffix !== undefined; suffix = this.#match(/\s*\[\d*\]/y))
      type = { kind: 'list', of: type }
    return type
  }

  #base(): Parsed {
    const name = this.#match(/"(?:[^"]|"")*"/y)?.slice(1, -1) ?? this.#match(/[A-Za-z_][\w ]*/y)?.trimEnd() ?? ''
    if (this.#match(/\(/y) === undefined) return { kind: 'plain', name, arguments: '' }
    if (name === 'STRUCT') return { kind: 'struct', fields: this.#fields() }
    if (name === 'MAP') {
      this.parse()
      this.#match(/\s*,\s*/y)
      const value = this.parse()
      this.#match(/\s*\)/y)
      return { kind: 'map', value }
    }
    return { kind: 'plain', name, arguments: this.#rest() }
  }

  #fields(): [string, Parsed][] {
    const fields: [string, Parsed][] = []
    do {
      const quoted = this.#match(/\s*"(?:[^"]|"")*"/y)
      const name = quoted?.trim().slice(1, -1).replaceAll('""', '"') ?? this.#match(/\s*[^\s(),]+/y)?.trim() ?? ''
      this.#match(/\s+/y)
      fields.push([name, this.parse()])
    } while (this.#match(/\s*,/y) !== undefined)
    this.#match(/\s*\)/y)
    return fields
  }

  /** What stands between this parenthesis and its partner: digits, or the values of an ENUM. */
  #rest(): string {
    const inner = this.#match(/(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|[^()'"]|\([^()]*\))*/y) ?? ''
    this.#match(/\)/y)
    return inner
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#position += found.length
    return found
  }
}
