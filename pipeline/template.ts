/** Where a template stopped making sense. */
export class TemplateError extends Error {
  constructor(
    message: string,
    readonly line: number,
    readonly hint?: string,
  ) {
    super(message)
  }
}

export type TemplateValue = string | number | boolean | null | TemplateValue[] | { [key: string]: TemplateValue }

export interface Call {
  name: string
  args: TemplateValue[]
  kwargs: Record<string, TemplateValue>
  line: number
}

/** Answers what a call stands for in the SQL. Throws TemplateError for a call it does not know. */
export type Resolve = (call: Call) => string

/**
 * Replaces `{{ call(...) }}` by what `resolve` answers and drops `{# comments #}`, keeping line numbers: the compiled
 * SQL has the same lines as the model. One trailing newline is stripped, as dbt does. The rest of dbt's Jinja comes
 * behind this same function.
 */
export function render(text: string, resolve: Resolve): string {
  let out = ''
  let position = 0
  while (position < text.length) {
    const open = text.indexOf('{', position)
    const kind = open < 0 ? '' : text.slice(open, open + 2)
    if (open < 0) break
    if (kind === '{{') {
      const parser = new ExpressionParser(text, open + 2)
      const call = parser.call()
      const end = parser.expectClose()
      out +=
        text.slice(position, open) + resolve({ ...call, line: lineAt(text, open) }) + newlines(text.slice(open, end))
      position = end
    } else if (kind === '{#') {
      const end = text.indexOf('#}', open)
      if (end < 0) throw new TemplateError('a comment {# is not closed', lineAt(text, open), 'Close it with #}.')
      out += text.slice(position, open) + newlines(text.slice(open, end))
      position = end + 2
    } else if (kind === '{%') {
      const hint = 'Models understand {{ ref(), source(), config(), var() }} and {# comments #}.'
      throw new TemplateError(
        `the block ${text.slice(open, text.indexOf('%}', open) + 2)} is not understood`,
        lineAt(text, open),
        hint,
      )
    } else {
      out += text.slice(position, open + 1)
      position = open + 1
    }
  }
  out += text.slice(position)
  return out.endsWith('\n') ? out.slice(0, -1) : out
}

function newlines(text: string): string {
  return '\n'.repeat(text.split('\n').length - 1)
}

function lineAt(text: string, position: number): number {
  let line = 1
  for (let index = text.indexOf('\n'); index >= 0 && index < position; index = text.indexOf('\n', index + 1)) line++
  return line
}

/** Parses one call with literal arguments: strings, numbers, booleans, none, lists, dicts, keyword arguments. */
class ExpressionParser {
  readonly #text: string
  #position: number

  constructor(text: string, position: number) {
    this.#text = text
    this.#position = text[position] === '-' ? position + 1 : position
  }

  call(): Omit<Call, 'line'> {
    const name = this.#match(/[A-Za-z_][\w.]*/y) ?? this.#fail('expected a call such as ref(...)')
    this.#take('(') || this.#fail(`'${name}' is not a call`, 'Models understand ref(), source(), config() and var().')
    const args: TemplateValue[] = []
    const kwargs: Record<string, TemplateValue> = {}
    while (!this.#take(')')) {
      const keyword = this.#match(/[A-Za-z_]\w*(?=\s*=[^=])/y)
      if (keyword !== undefined) {
        this.#take('=')
        kwargs[keyword] = this.#value()
      } else args.push(this.#value())
      if (!this.#take(',') && !this.#peek(')')) this.#fail(`expected , or ) in ${name}(...)`)
    }
    return { name, args, kwargs }
  }

  expectClose(): number {
    this.#take('-')
    if (!this.#take('}}')) this.#fail('expected }} after the call', 'Write one call per {{ }}.')
    return this.#position
  }

  #value(): TemplateValue {
    const quote = this.#match(/['"]/y)
    if (quote !== undefined) return this.#string(quote)
    const number = this.#match(/-?\d+(\.\d+)?/y)
    if (number !== undefined) return Number(number)
    const word = this.#match(/[A-Za-z_]\w*/y)
    if (word !== undefined) return this.#word(word)
    if (this.#take('[')) return this.#list(']')
    if (this.#take('(')) return this.#list(')')
    if (this.#take('{')) return this.#dict()
    return this.#fail('expected a literal value')
  }

  #string(quote: string): string {
    let out = ''
    for (; this.#position < this.#text.length; this.#position++) {
      const character = this.#text[this.#position]!
      if (character === quote) {
        this.#position++
        return out
      }
      if (character === '\\') this.#position++
      out += character === '\\' ? escaped(this.#text[this.#position] ?? '') : character
    }
    return this.#fail('a string is not closed')
  }

  #word(word: string): TemplateValue {
    const known: Record<string, TemplateValue> = {
      true: true,
      True: true,
      false: false,
      False: false,
      none: null,
      None: null,
    }
    return word in known ? known[word]! : this.#fail(`'${word}' is not a literal`, `Quote it: '${word}'.`)
  }

  #list(close: string): TemplateValue[] {
    const items: TemplateValue[] = []
    while (!this.#take(close)) {
      items.push(this.#value())
      if (!this.#take(',') && !this.#peek(close)) this.#fail(`expected , or ${close}`)
    }
    return items
  }

  #dict(): { [key: string]: TemplateValue } {
    const entries: { [key: string]: TemplateValue } = {}
    while (!this.#take('}')) {
      const key = this.#value()
      if (!this.#take(':')) this.#fail('expected : after a key')
      entries[String(key)] = this.#value()
      if (!this.#take(',') && !this.#peek('}')) this.#fail('expected , or }')
    }
    return entries
  }

  #skip(): void {
    while (/\s/.test(this.#text[this.#position] ?? '')) this.#position++
  }

  #match(pattern: RegExp): string | undefined {
    this.#skip()
    pattern.lastIndex = this.#position
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#position += found.length
    return found
  }

  #peek(token: string): boolean {
    this.#skip()
    return this.#text.startsWith(token, this.#position)
  }

  #take(token: string): boolean {
    if (!this.#peek(token)) return false
    this.#position += token.length
    return true
  }

  #fail(message: string, hint?: string): never {
    throw new TemplateError(message, lineAt(this.#text, this.#position), hint)
  }
}

function escaped(character: string): string {
  return ({ n: '\n', t: '\t', r: '\r' } as Record<string, string>)[character] ?? character
}
