import { type Problem, ProjectError } from '../errors.ts'
import { didYouMean } from '../nearest.ts'
import type { Figure, FigureSpec } from './part.ts'

/** `tier_changes > 5% and messages_started >= 100`, read. */
export interface Gate {
  text: string
  condition: Condition
}

type Condition =
  | { kind: 'and' | 'or'; parts: Condition[] }
  | { kind: 'compare'; names: string[]; operator: Operator; value: number; percent: boolean }

type Operator = '>' | '>=' | '<' | '<=' | '=' | '!='

const OPERATORS: Record<Operator, (a: number, b: number) => boolean> = {
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
}

const TOKEN = /\s*(>=|<=|!=|==|[><=()+%]|[a-z_][a-z0-9_.]*|\d[\d_]*(?:\.\d+)?)/iy

/**
 * Reads `--fail-if` expressions: figures by name, summed with `+`, compared with a number or a percentage, joined with
 * `and`, `or` and brackets. Throws ProjectError with every one that cannot be read or names no figure.
 */
export function readGates(texts: readonly string[], figures: readonly FigureSpec[]): Gate[] {
  const problems: Problem[] = []
  const known = new Map(figures.map((figure) => [figure.name, figure]))
  const gates = texts.flatMap((text): Gate[] => {
    try {
      return [{ text, condition: new Reader(text, known).read() }]
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      problems.push({ file: '--fail-if', message: `'${text}': ${error.message}`, hint: error.hint })
      return []
    }
  })
  if (problems.length > 0) throw new ProjectError(problems)
  return gates
}

/** Whether a gate fails, and the figures that say so: `tier_changes = 31 (10.3%)`. */
export function judge({ condition }: Gate, figures: ReadonlyMap<string, Figure>): { fails: boolean; found: string } {
  const found = new Map<string, string>()
  const holds = (part: Condition): boolean => {
    if (part.kind !== 'compare') {
      const all = part.parts.map(holds)
      return part.kind === 'and' ? all.every(Boolean) : all.some(Boolean)
    }
    const named = part.names.map((name) => figures.get(name) ?? { value: 0, of: 0 })
    for (const [index, name] of part.names.entries()) found.set(name, `${name} = ${said(named[index]!, part.percent)}`)
    const value = named.reduce((sum, figure) => sum + (part.percent ? shareOf(figure) : figure.value), 0)
    return OPERATORS[part.operator](value, part.value)
  }
  const fails = holds(condition)
  return { fails, found: [...found.values()].join(', ') }
}

/** In percent. Something where there was nothing is all of it. */
export function shareOf({ value, of = 0 }: Figure): number {
  if (of > 0) return (100 * value) / of
  return value === 0 ? 0 : 100
}

function said(figure: Figure, percent: boolean): string {
  return percent ? `${figure.value} (${Number(shareOf(figure).toFixed(2))}%)` : String(figure.value)
}

class Unreadable extends Error {
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message)
  }
}

const EXAMPLE = "Write it as 'tier_changes > 5%' or 'messages_started + messages_stopped >= 100'."

class Reader {
  readonly #tokens: string[] = []
  readonly #known: ReadonlyMap<string, FigureSpec>
  #next = 0

  constructor(text: string, known: ReadonlyMap<string, FigureSpec>) {
    this.#known = known
    TOKEN.lastIndex = 0
    const end = text.trimEnd().length
    while (TOKEN.lastIndex < end) {
      const at = TOKEN.lastIndex
      const token = TOKEN.exec(text)?.[1]
      if (token === undefined) throw new Unreadable(`'${text.slice(at).trim()}' cannot be read`, EXAMPLE)
      this.#tokens.push(token)
    }
  }

  read(): Condition {
    const condition = this.#or()
    const rest = this.#tokens.slice(this.#next)
    if (rest.length > 0) throw new Unreadable(`'${rest.join(' ')}' is one word too many`, EXAMPLE)
    return condition
  }

  #or(): Condition {
    const parts = [this.#and()]
    while (this.#take('or')) parts.push(this.#and())
    return parts.length === 1 ? parts[0]! : { kind: 'or', parts }
  }

  #and(): Condition {
    const parts = [this.#comparison()]
    while (this.#take('and')) parts.push(this.#comparison())
    return parts.length === 1 ? parts[0]! : { kind: 'and', parts }
  }

  #comparison(): Condition {
    if (this.#take('(')) {
      const inner = this.#or()
      if (!this.#take(')')) throw new Unreadable("a '(' is not closed", EXAMPLE)
      return inner
    }
    const names = [this.#name()]
    while (this.#take('+')) names.push(this.#name())
    const sign = this.#word('>, >=, <, <=, = or !=')
    const operator = (sign === '==' ? '=' : sign) as Operator
    if (!(operator in OPERATORS)) throw new Unreadable(`'${sign}' stands where >, >=, <, <=, = or != should`, EXAMPLE)
    const written = this.#word('a number')
    const value = Number(written.replaceAll('_', ''))
    if (Number.isNaN(value)) throw new Unreadable(`'${written}' is not a number`, EXAMPLE)
    const percent = this.#take('%')
    const whole = names.find((name) => percent && this.#known.get(name)?.of === undefined)
    if (whole !== undefined)
      throw new Unreadable(`'${whole}' has no percentage: there is no whole that it is a part of`, 'Leave the % out.')
    return { kind: 'compare', names, operator, value, percent }
  }

  #name(): string {
    const name = this.#word('a figure')
    if (this.#known.has(name)) return name
    const hint = didYouMean(name, this.#known.keys()) ?? `Figures: ${[...this.#known.keys()].join(', ')}.`
    throw new Unreadable(`there is no figure '${name}'`, hint)
  }

  #word(wanted: string): string {
    const token = this.#tokens[this.#next++]
    if (token === undefined) throw new Unreadable(`it ends where ${wanted} should follow`, EXAMPLE)
    return token
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#next]?.toLowerCase() !== token) return false
    this.#next++
    return true
  }
}
