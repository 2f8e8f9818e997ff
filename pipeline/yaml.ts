import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import type { z } from 'zod'
import { type Problem, unreadable } from './errors.ts'
import { didYouMean, nearest } from './nearest.ts'
import { parseCache, parseKey } from './parse-cache.ts'

/** A YAML file with the positions of its values, so that whatever is wrong with a value can be said with its line. */
export interface YamlFile {
  /** Relative to the project folder. */
  file: string
  data: unknown
  /** The line of the value at `path`, of its nearest ancestor where it is absent. */
  lineOf(path: readonly PropertyKey[]): number
}

/** Reads a YAML 1.2 file (duplicate keys are errors). A problem (the first syntax error: the rest follow from it) is added, and undefined returned, when it cannot be read. */
export function readYaml(root: string, path: string, problems: Problem[]): YamlFile | undefined {
  const file = relative(root, path)
  try {
    return parseYaml(file, readFileSync(path, 'utf8'), problems)
  } catch (error) {
    problems.push({ file, message: unreadable(error), hint: 'Check that the file exists.' })
    return undefined
  }
}

/** What a text is kept under; what JSON cannot hold is not kept. */
function keyOf(kind: string, text: string): string | undefined {
  return /\.(inf|nan)\b|!!/i.test(text) ? undefined : parseKey(kind, text)
}

export function parseYaml(file: string, text: string, problems: Problem[], keep = true): YamlFile | undefined {
  const key = keep ? keyOf('yaml', text) : undefined
  const known = key === undefined ? undefined : parseCache.find(key)
  let positions: ((path: readonly PropertyKey[]) => number) | undefined
  if (known !== undefined) {
    const lineOf = (path: readonly PropertyKey[]) => {
      positions ??= parse(text).lineOf
      return positions(path)
    }
    return { file, data: known.data, lineOf }
  }
  const { error, data, lineOf } = parse(text)
  if (error !== undefined) {
    const variable = /\$\{/.test(text.split('\n')[error.line - 1] ?? '')
    const hint = variable ? { hint: 'Quote ${NAME}: "${NAME}".' } : {}
    problems.push({ file, line: error.line, message: `is not valid YAML: ${error.message}`, ...hint })
    return undefined
  }
  if (key !== undefined) parseCache.keep(key, data)
  return { file, data, lineOf }
}

/** Reads and checks a whole file; what was found good before is neither parsed nor checked again. */
export function readChecked<T extends z.ZodType>(
  schema: T,
  kind: string,
  { file, text }: { file: string; text: string },
  problems: Problem[],
): { yaml: YamlFile; value: z.output<T> } | undefined {
  const key = keyOf(kind, text)
  const known = key === undefined ? undefined : parseCache.find(key)
  if (known !== undefined) {
    let parsed: Parsed | undefined
    const now = () => (parsed ??= parse(text))
    const yaml = { file, lineOf: (path: readonly PropertyKey[]) => now().lineOf(path) }
    // Not enumerable: who makes another file of this one brings other data, and nothing is parsed for it.
    Object.defineProperty(yaml, 'data', { get: () => now().data })
    return { yaml: yaml as YamlFile, value: known.data as z.output<T> }
  }
  const yaml = parseYaml(file, text, problems, false)
  const value = yaml === undefined ? undefined : validate(schema, yaml, problems)
  if (yaml === undefined || value === undefined) return undefined
  if (key !== undefined) parseCache.keep(key, value)
  return { yaml, value }
}

interface Parsed {
  /** The first syntax error: the rest follow from it. */
  error: { line: number; message: string } | undefined
  data: unknown
  lineOf(path: readonly PropertyKey[]): number
}

function parse(text: string): Parsed {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true })
  const lineOf = (path: readonly PropertyKey[]) => lines.linePos(positionOf(document, path)).line
  const [error] = document.errors
  if (error !== undefined) {
    const line = lines.linePos(error.pos[0]).line
    const key = error.code === 'DUPLICATE_KEY' ? /^[^:\n]*/.exec(text.slice(error.pos[0]))?.[0].trim() : undefined
    const message = key === undefined ? error.message : `the key '${key}' is there twice`
    return { error: { line, message }, data: undefined, lineOf }
  }
  return { error: undefined, data: document.toJS({ maxAliasCount: 1000 }) as unknown, lineOf }
}

/** What schemas make of `{}`: of thousands of tests, most say nothing. */
const blanks = new WeakMap<z.ZodType, object>()

function isEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  for (const _ in value) return false
  return true
}

/** Checks a YAML file (or the part at `at`) against a zod schema; every issue becomes a problem with its line. */
export function validate<T extends z.ZodType>(
  schema: T,
  yaml: YamlFile,
  problems: Problem[],
  at: readonly PropertyKey[] = [],
): z.output<T> | undefined {
  const part = at.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], yaml.data)
  const given = part ?? (at.length === 0 ? {} : part)
  const empty = isEmpty(given)
  const known = empty ? blanks.get(schema) : undefined
  if (known !== undefined) return { ...known } as z.output<T>
  const parsed = schema.safeParse(given)
  if (parsed.success) {
    if (empty && typeof parsed.data === 'object' && parsed.data !== null) blanks.set(schema, parsed.data)
    return parsed.data
  }
  const { issues } = parsed.error
  for (const issue of issues)
    if (!issues.some((other) => misspells(other, issue, schema)))
      problems.push(...problemsOfIssue(issue, schema, yaml, at))
  return undefined
}

/** A key that is missing because it is written otherwise is one fault, not two. */
function misspells(other: z.core.$ZodIssue, { path }: z.core.$ZodIssue, schema: z.ZodType): boolean {
  if (other.code !== 'unrecognized_keys' || other.path.length !== path.length - 1) return false
  if (!other.path.every((key, index) => key === path[index])) return false
  const known = knownKeys(schema, other.path)
  return other.keys.some((key) => nearest(key, known) === path.at(-1))
}

function problemsOfIssue(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  yaml: YamlFile,
  at: readonly PropertyKey[],
): Problem[] {
  const path = [...at, ...issue.path]
  const where = path.length === 0 ? '' : `${path.map(String).join('.')}: `
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, issue.path)
    return issue.keys.map((key) => ({
      file: yaml.file,
      line: yaml.lineOf([...path, key]),
      message: `${where}unknown key '${key}'`,
      hint: didYouMean(key, known) ?? 'Remove it.',
    }))
  }
  if (issue.code === 'invalid_union') {
    const deepest = issue.errors.flat().sort((a, b) => b.path.length - a.path.length)[0]
    if (deepest !== undefined && deepest.path.length > 0) {
      return problemsOfIssue(
        { ...deepest, path: [...issue.path, ...deepest.path] } as z.core.$ZodIssue,
        schema,
        yaml,
        at,
      )
    }
  }
  const value = path.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key],
    yaml.data,
  )
  const place = { file: yaml.file, line: yaml.lineOf(path) }
  if (value === undefined && issue.path.length > 0 && UNWRITTEN.test(issue.message)) {
    const inside = path.length === 1 ? '' : `${path.slice(0, -1).map(String).join('.')}: `
    return [{ ...place, message: `${inside}key '${String(path.at(-1))}' is missing` }]
  }
  const quoted = value === undefined ? '' : ` (it is ${abbreviate(value)})`
  const message = `${where}${wording(issue)}${quoted}`
  const meant =
    issue.code === 'invalid_value' && typeof value === 'string' ? nearest(value, issue.values.map(String)) : undefined
  return [{ ...place, message, ...(meant === undefined ? {} : { hint: `Did you mean ${meant}?` }) }]
}

/** How zod begins what no schema of ours has put into words. */
const UNWRITTEN = /^(Invalid (input|option)|Too (small|big): expected number)/

function wording(issue: z.core.$ZodIssue): string {
  if (!UNWRITTEN.test(issue.message)) return issue.message
  if (issue.code === 'invalid_value')
    return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`
  if (issue.code === 'too_small') return `must be ${issue.inclusive ? 'at least' : 'above'} ${issue.minimum}`
  if (issue.code === 'too_big') return `must be ${issue.inclusive ? 'at most' : 'below'} ${issue.maximum}`
  if (issue.code === 'invalid_type') return `must be ${KINDS[issue.expected] ?? issue.expected}`
  return 'is of a kind that cannot be used here'
}

const KINDS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
}

/** A value as it may be shown in a message; secrets never get here, since they are named, not written, in YAML. */
export function abbreviate(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current: unknown = schema
  for (const key of path) current = childSchema(current, key)
  const shape = shapeOf(current)
  return shape === undefined ? [] : Object.keys(shape)
}

interface ZodInternals {
  _zod: {
    def: {
      type: string
      innerType?: unknown
      element?: unknown
      valueType?: unknown
      in?: unknown
      options?: unknown[]
      shape?: object
    }
  }
}

function unwrap(schema: unknown): ZodInternals | undefined {
  let current = schema as ZodInternals | undefined
  while (current?._zod.def.innerType !== undefined || current?._zod.def.in !== undefined) {
    current = (current._zod.def.innerType ?? current._zod.def.in) as ZodInternals
  }
  return current
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  const inner = unwrap(schema)
  if (inner?._zod.def.type === 'union') {
    return Object.assign({}, ...(inner._zod.def.options ?? []).map((option) => shapeOf(option) ?? {})) as Record<
      string,
      unknown
    >
  }
  return inner?._zod.def.shape as Record<string, unknown> | undefined
}

function childSchema(schema: unknown, key: PropertyKey): unknown {
  const def = unwrap(schema)?._zod.def
  return shapeOf(schema)?.[String(key)] ?? def?.element ?? def?.valueType
}

function positionOf(document: Document, path: readonly PropertyKey[]): number {
  let node: Node | Pair | null = document.contents as Node | null
  let position = 0
  for (const key of path) {
    const next: Node | Pair | undefined = childOf(node, key)
    if (next === undefined) break
    const anchor: unknown = isPair(next) ? next.key : next
    if (isNode(anchor) && anchor.range) position = anchor.range[0]
    node = isPair(next) ? (next.value as Node | null) : next
  }
  return position
}

function childOf(node: unknown, key: PropertyKey): Node | Pair | undefined {
  if (isMap(node)) {
    return node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key)) as Pair | undefined
  }
  const items = (node as { items?: unknown[] } | null)?.items
  const item = Array.isArray(items) ? items[Number(key)] : undefined
  return isNode(item) ? item : undefined
}
