import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type Problem, ProjectError } from '../errors.ts'
import { didYouMean } from '../nearest.ts'
import { readYaml, validate, type YamlFile } from '../yaml.ts'
import { checkMethod, SELECTOR_METHOD } from './methods.ts'
import {
  type Criterion,
  criteriaOf,
  type Group,
  INDIRECT_SELECTIONS,
  type IndirectSelection,
  type Place,
  parseWord,
  type Spec,
  selectionProblem,
} from './spec.ts'

export const SELECTORS_FILE = 'selectors.yml'

const selector = z.strictObject({
  name: z.string().min(1),
  description: z.string().default(''),
  default: z.boolean().default(false),
  definition: z.union([z.string(), z.record(z.string(), z.unknown())]),
})

export type WrittenSelector = z.output<typeof selector>

/** dbt's `selectors.yml`. */
export const selectorsSchema = z.strictObject({ version: z.literal(2).optional(), selectors: z.array(selector) })

const scalar = z.union([z.string(), z.number(), z.boolean()])
const steps = z.number().int().positive()

/** A definition with all its words: the method, and what the signs around it stand for. */
const full = z.strictObject({
  method: z.string(),
  value: scalar,
  parents: z.boolean().optional(),
  parents_depth: steps.optional(),
  children: z.boolean().optional(),
  children_depth: steps.optional(),
  childrens_parents: z.boolean().optional(),
  indirect_selection: z.enum(INDIRECT_SELECTIONS).optional(),
  exclude: z.array(z.unknown()).optional(),
})

/** The selectors that the project names. */
export class Selectors {
  readonly #specs: ReadonlyMap<string, Spec>
  /** The one that counts where a call selects nothing itself. */
  readonly default_name: string | undefined
  /** As the file has them. */
  readonly written: readonly WrittenSelector[]

  constructor(specs: ReadonlyMap<string, Spec>, default_name?: string, written: readonly WrittenSelector[] = []) {
    this.#specs = specs
    this.default_name = default_name
    this.written = written
  }

  /** Throws ProjectError when there is none of that name. */
  find(name: string, where: Place): Spec {
    const spec = this.#specs.get(name)
    if (spec !== undefined) return spec
    const hint = didYouMean(name, this.#specs.keys())
    throw selectionProblem(where, ': there is no such selector', hint ?? `Selectors are written in ${SELECTORS_FILE}.`)
  }

  names(): string[] {
    return [...this.#specs.keys()]
  }

  /** `indirect` counts where a definition does not say. */
  withDefault(name: string, where: Place, indirect: IndirectSelection): Spec {
    return withIndirect(this.find(name, where), indirect)
  }
}

function withIndirect(spec: Spec, indirect: IndirectSelection): Spec {
  if (spec.is === 'criterion') return spec.said ? spec : { ...spec, indirect }
  return { ...spec, indirect, parts: spec.parts.map((part) => withIndirect(part, indirect)) }
}

/** Reads `selectors.yml` if there is one. Everything wrong with it is a problem with its line. */
export function readSelectors(root: string, problems: Problem[]): Selectors {
  const path = join(root, SELECTORS_FILE)
  if (!existsSync(path)) return new Selectors(new Map())
  const yaml = readYaml(root, path, problems)
  const data = yaml === undefined ? undefined : validate(selectorsSchema, yaml, problems)
  if (yaml === undefined || data === undefined) return new Selectors(new Map())
  const reader = new Reader(yaml, problems)
  const specs = new Map<string, Spec>()
  let default_name: string | undefined
  for (const [index, { name, definition, default: is_default }] of data.selectors.entries()) {
    const at = ['selectors', index]
    if (specs.has(name)) reader.problem([...at, 'name'], `the selector '${name}' is defined twice`)
    if (is_default && default_name !== undefined)
      reader.problem([...at, 'default'], `'${name}' and '${default_name}' are both the default`, 'Keep one.')
    if (is_default) default_name = name
    const spec = reader.definition(definition, [...at, 'definition'])
    if (spec !== undefined) specs.set(name, spec)
  }
  checkReferences(specs, problems)
  return new Selectors(specs, default_name, data.selectors)
}

class Reader {
  readonly #yaml: YamlFile
  readonly #problems: Problem[]

  constructor(yaml: YamlFile, problems: Problem[]) {
    this.#yaml = yaml
    this.#problems = problems
  }

  problem(path: readonly PropertyKey[], message: string, hint?: string): undefined {
    this.#problems.push({ file: this.#yaml.file, line: this.#yaml.lineOf(path), message, hint })
  }

  definition(value: unknown, path: PropertyKey[]): Spec | undefined {
    if (typeof value === 'string') return this.#word(value, path)
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.problem(path, `${JSON.stringify(value)} is no definition`, 'Write a word, or method and value.')
    const keys = Object.keys(value)
    for (const is of ['union', 'intersection'] as const) {
      if (!keys.includes(is)) continue
      if (keys.length > 1) return this.problem(path, `${is} stands alone, and here are ${keys.join(', ')}`)
      return this.#group(is, (value as Record<string, unknown>)[is], [...path, is])
    }
    if (keys.length === 1 && keys[0] !== 'exclude') return this.#pair(keys[0]!, value, path)
    return this.#full(value, path)
  }

  #place(path: readonly PropertyKey[], text: string): Place {
    return { file: this.#yaml.file, line: this.#yaml.lineOf(path), text }
  }

  /** Adds what a ProjectError says, instead of throwing it. */
  #caught<T>(work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof ProjectError)) throw error
      this.#problems.push(...error.problems)
      return undefined
    }
  }

  #word(text: string, path: PropertyKey[]): Spec | undefined {
    if (/[\s,]/.test(text.trim()))
      return this.problem(path, `'${text}' is more than one word`, 'Write union: or intersection: with a list.')
    return this.#caught(() => {
      const criterion = parseWord(this.#place(path, text.trim()), 'eager')
      checkMethod(criterion)
      return criterion
    })
  }

  #pair(key: string, value: object, path: PropertyKey[]): Spec | undefined {
    const given = (value as Record<string, unknown>)[key]
    if (!scalar.safeParse(given).success) return this.problem([...path, key], `${key}: wants one value`)
    return this.#criterion({ method: key, value: String(given) }, path)
  }

  #full(value: object, path: PropertyKey[]): Spec | undefined {
    const parsed = validate(
      full,
      { ...this.#yaml, data: value, lineOf: (at) => this.#yaml.lineOf([...path, ...at]) },
      this.#problems,
    )
    if (parsed === undefined) return undefined
    const { exclude, ...own } = parsed
    const criterion = this.#criterion({ ...own, value: String(own.value) }, path)
    if (exclude === undefined || criterion === undefined) return criterion
    const excluded = this.#list(exclude, [...path, 'exclude'])
    return {
      is: 'difference',
      parts: [criterion, { is: 'union', parts: excluded, indirect: 'eager' }],
      indirect: 'eager',
    }
  }

  #criterion(
    given: Omit<z.output<typeof full>, 'exclude' | 'value'> & { value: string },
    path: PropertyKey[],
  ): Spec | undefined {
    const { childrens_parents = false, indirect_selection } = given
    const [method, ...inner] = given.method.split('.')
    const depth = (on: boolean | undefined, count: number | undefined) => (on ? (count ?? Number.POSITIVE_INFINITY) : 0)
    const criterion: Criterion = {
      is: 'criterion',
      method: method!,
      path: inner,
      value: given.value,
      childrens_parents,
      parents: depth(given.parents, given.parents_depth),
      children: depth(given.children, given.children_depth),
      indirect: indirect_selection ?? 'eager',
      plain: false,
      where: this.#place(path, `${given.method}:${given.value}`),
      said: indirect_selection !== undefined,
    }
    if (childrens_parents && criterion.children > 0)
      return this.problem(path, 'childrens_parents and children do not go together')
    return this.#caught(() => {
      checkMethod(criterion)
      return criterion
    })
  }

  #group(is: 'union' | 'intersection', value: unknown, path: PropertyKey[]): Spec | undefined {
    if (!Array.isArray(value)) return this.problem(path, `${is}: wants a list`)
    const isExclusion = (item: unknown) =>
      typeof item === 'object' && item !== null && Object.keys(item).join() === 'exclude'
    const exclusions = value.filter(isExclusion)
    if (exclusions.length > 1) return this.problem(path, `${is}: has more than one exclude`, 'Write them as one list.')
    const parts = this.#list(
      value.map((item) => (isExclusion(item) ? undefined : item)),
      path,
    )
    const group: Group = { is, parts, indirect: 'eager' }
    if (exclusions.length === 0) return group
    const at = [...path, value.indexOf(exclusions[0]), 'exclude']
    const list = (exclusions[0] as { exclude: unknown }).exclude
    if (!Array.isArray(list)) return this.problem(at, 'exclude: wants a list')
    const excluded: Group = { is: 'union', parts: this.#list(list, at), indirect: 'eager' }
    return { is: 'difference', parts: [group, excluded], indirect: 'eager' }
  }

  #list(items: readonly unknown[], path: PropertyKey[]): Spec[] {
    return items.flatMap((item, index) => {
      if (item === undefined) return []
      const spec = this.definition(item, [...path, index])
      return spec === undefined ? [] : [spec]
    })
  }
}

/** Selectors refer to selectors that exist, and not in a circle. */
function checkReferences(specs: ReadonlyMap<string, Spec>, problems: Problem[]): void {
  const known = new Selectors(specs)
  const told = new Set<string>()
  const walk = (spec: Spec, path: readonly string[]): void => {
    for (const { method, value, where } of criteriaOf(spec)) {
      if (method !== SELECTOR_METHOD) continue
      try {
        const next = known.find(value, where)
        const circle = path.includes(value)
        if (circle && path.some((name) => told.has(name))) continue
        if (circle) for (const name of path) told.add(name)
        if (circle) throw selectionProblem(where, `refers to itself: ${[...path, value].join(' > ')}`, 'Take one away.')
        walk(next, [...path, value])
      } catch (error) {
        if (!(error instanceof ProjectError)) throw error
        for (const problem of error.problems)
          if (!problems.some(({ line, file }) => line === problem.line && file === problem.file)) problems.push(problem)
      }
    }
  }
  for (const [name, spec] of specs) walk(spec, [name])
}
