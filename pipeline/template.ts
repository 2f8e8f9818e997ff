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

/** Answers what a call stands for in the SQL. Throws TemplateError for a call it does not know. `{{ this }}` is a call without arguments. */
export type Resolve = (call: Call) => string

/** Answers whether a call in a condition holds. */
export type Holds = (call: Call) => boolean

const BLOCKS = 'Models understand {% if is_incremental() %}, {% elif %}, {% else %} and {% endif %}.'

/** An open `{% if %}`: whether its present branch is written, whether one has been, and what was so around it. */
interface Branch {
  line: number
  around: boolean
  writes: boolean
  done: boolean
  last: boolean
}

/**
 * Replaces `{{ call(...) }}` by what `resolve` answers, keeps the branch of `{% if %}` whose condition holds and drops
 * `{# comments #}`, keeping line numbers: the compiled SQL has the same lines as the model. One trailing newline is
 * stripped, as dbt does. The rest of dbt's Jinja comes behind this same function.
 */
export function render(text: string, resolve: Resolve, holds: Holds = unknownCondition): string {
  const branches: Branch[] = []
  const writes = () => branches.at(-1)?.writes ?? true
  let out = ''
  let position = 0
  const keep = (to: number) => {
    const part = text.slice(position, to)
    out += writes() ? part : newlines(part)
  }
  while (position < text.length) {
    const open = text.indexOf('{', position)
    const kind = open < 0 ? '' : text.slice(open, open + 2)
    if (open < 0) break
    if (kind === '{{') {
      const parser = new ExpressionParser(text, open + 2)
      const call = parser.call(true)
      const end = parser.expectClose('}}')
      keep(open)
      if (writes()) out += resolve({ ...call, line: lineAt(text, open) })
      out += newlines(text.slice(open, end))
      position = end
    } else if (kind === '{#') {
      const end = text.indexOf('#}', open)
      if (end < 0) throw new TemplateError('a comment {# is not closed', lineAt(text, open), 'Close it with #}.')
      keep(open)
      out += newlines(text.slice(open, end))
      position = end + 2
    } else if (kind === '{%') {
      keep(open)
      const end = block(text, open, branches, holds)
      out += newlines(text.slice(open, end))
      position = end
    } else {
      keep(open + 1)
      position = open + 1
    }
  }
  keep(text.length)
  const unclosed = branches.at(-1)
  if (unclosed !== undefined) throw new TemplateError('{% if %} is not closed', unclosed.line, 'Close it: {% endif %}.')
  return out.endsWith('\n') ? out.slice(0, -1) : out
}

/** Reads one `{% … %}` and answers where it ends. */
function block(text: string, open: number, branches: Branch[], holds: Holds): number {
  const line = lineAt(text, open)
  const parser = new ExpressionParser(text, open + 2)
  const word = parser.word()
  const branch = branches.at(-1)
  if (word === 'if') {
    const around = branch?.writes ?? true
    const value = parser.condition(holds)
    branches.push({ line, around, writes: around && value, done: value, last: false })
  } else if (word === 'elif' || word === 'else' || word === 'endif') {
    if (branch === undefined) throw new TemplateError(`{% ${word} %} stands without {% if %}`, line, BLOCKS)
    if (branch.last && word !== 'endif')
      throw new TemplateError(`{% ${word} %} comes after {% else %}`, line, 'Close it: {% endif %}.')
    if (word === 'endif') branches.pop()
    else {
      const value = word === 'else' || parser.condition(holds)
      branch.writes = branch.around && !branch.done && value
      branch.done ||= value
      branch.last = word === 'else'
    }
  } else {
    const close = text.indexOf('%}', open)
    const shown = close < 0 ? text.slice(open).split('\n')[0]! : text.slice(open, close + 2)
    throw new TemplateError(`the block ${shown} is not understood`, line, BLOCKS)
  }
  return parser.expectClose('%}')
}

function unknownCondition({ name, line }: Call): never {
  throw new TemplateError(`${name}() is not understood in a condition`, line, BLOCKS)
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

  /** `bare`: `this` and its parts may stand without parentheses. */
  call(bare = false): Omit<Call, 'line'> {
    const name = this.#match(/[A-Za-z_][\w.]*/y) ?? this.#fail('expected a call such as ref(...)')
    if (bare && /^this(\.\w+)?$/.test(name) && !this.#peek('(')) return { name, args: [], kwargs: {} }
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

  expectClose(close: '}}' | '%}'): number {
    const after = this.#position
    this.#take('-')
    if (this.#take(close)) return this.#position
    this.#position = after
    if (close === '}}') this.#fail('expected }} after the call', 'Write one call per {{ }}.')
    return this.#fail('expected %} after the condition', BLOCKS)
  }

  word(): string | undefined {
    return this.#match(/[A-Za-z_]\w*/y)
  }

  /** `not a() and (b() or true)`: every call is asked, as none has an effect. */
  condition(holds: Holds): boolean {
    let value = this.#conjunction(holds)
    while (this.#match(/or\b/y) !== undefined) value = this.#conjunction(holds) || value
    return value
  }

  #conjunction(holds: Holds): boolean {
    let value = this.#negation(holds)
    while (this.#match(/and\b/y) !== undefined) value = this.#negation(holds) && value
    return value
  }

  #negation(holds: Holds): boolean {
    if (this.#match(/not\b/y) !== undefined) return !this.#negation(holds)
    if (this.#take('(')) {
      const value = this.condition(holds)
      if (!this.#take(')')) this.#fail('expected ) in the condition')
      return value
    }
    const literal = this.#match(/(true|false)\b/iy)
    if (literal !== undefined) return literal.toLowerCase() === 'true'
    const start = this.#position
    const bare = /([A-Za-z_][\w.]*)\s*(?=[^\w.\s(]|$)/y
    bare.lastIndex = start
    const name = bare.exec(this.#text)?.[1]
    if (name !== undefined) this.#fail(`'${name}' is not understood in a condition`, BLOCKS)
    return holds({ ...this.call(), line: lineAt(this.#text, start) })
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
    const start = this.#position
    for (; this.#position < this.#text.length; this.#position++) {
      const character = this.#text[this.#position]!
      if (character === quote) {
        this.#position++
        return out
      }
      if (character === '\\') this.#position++
      out += character === '\\' ? escaped(this.#text[this.#position] ?? '') : character
    }
    this.#position = start
    return this.#fail('a string is not closed', `Close it with ${quote}.`)
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
