import { ProjectError } from '../errors.ts'

/** When a test comes along with a node it is about that is selected. dbt's words. */
export const INDIRECT_SELECTIONS = ['eager', 'cautious', 'buildable', 'empty'] as const
export type IndirectSelection = (typeof INDIRECT_SELECTIONS)[number]

/** One word of a selection: `2+config.meta.owner:ana+1`. */
export interface Criterion {
  is: 'criterion'
  /** `config` of `config.meta.owner:ana`. */
  method: string
  /** `['meta', 'owner']` of it. */
  path: string[]
  value: string
  /** `@`: what reads it, with everything that those need. */
  childrens_parents: boolean
  /** Steps up and down; 0 is none, Infinity all. */
  parents: number
  children: number
  indirect: IndirectSelection
  /** `indirect` is its own; else what the call says counts. */
  said?: boolean
  /** Said by name alone: then it should be the name of something. */
  plain: boolean
  where: Place
}

export interface Group {
  is: 'union' | 'intersection' | 'difference'
  parts: Spec[]
  indirect: IndirectSelection
}

export type Spec = Criterion | Group

/** Where a selection is written, for messages. */
export interface Place {
  file: string
  line?: number
  /** As it was written. */
  text: string
}

export function selectionProblem({ file, line, text }: Place, message: string, hint?: string): ProjectError {
  return new ProjectError([
    {
      file,
      ...(line === undefined ? {} : { line }),
      message: `'${text}'${message.startsWith(':') ? '' : ' '}${message}`,
      ...(hint ? { hint } : {}),
    },
  ])
}

const WORD = /^(?<at>@)?(?<up>(?<up_depth>\d*)\+)?(?:(?<method>[\w.]+):)?(?<value>.*?)(?<down>\+(?<down_depth>\d*))?$/s

/** Words of a call: a space (or a repeated flag) is a union, a comma an intersection. */
export function parseWords(words: readonly string[], flag: string, indirect: IndirectSelection): Group {
  const parts = words
    .flatMap((word) => word.split(/\s+/))
    .filter((word) => word !== '')
    .map((word): Spec => {
      const terms = word.split(',').map((term) => parseWord({ file: flag, text: term }, indirect))
      return terms.length === 1 ? terms[0]! : { is: 'intersection', parts: terms, indirect }
    })
  return { is: 'union', parts, indirect }
}

export function parseWord(where: Place, indirect: IndirectSelection): Criterion {
  const { at, up, up_depth, method, value = '', down, down_depth } = WORD.exec(where.text)?.groups ?? {}
  if (value === '') throw selectionProblem(where, 'selects by nothing', 'Write a name, or method:value.')
  if (at !== undefined && (up !== undefined || down !== undefined))
    throw selectionProblem(where, ': @ and + do not go together', 'Write two words, one with each.')
  const [name, ...path] = (method ?? defaultMethod(value)).split('.')
  return {
    is: 'criterion',
    method: name!,
    path,
    value,
    childrens_parents: at !== undefined,
    parents: depth(up, up_depth),
    children: depth(down, down_depth),
    indirect,
    plain: method === undefined,
    where,
  }
}

function depth(given: string | undefined, steps: string | undefined): number {
  if (given === undefined) return 0
  return steps === undefined || steps === '' ? Number.POSITIVE_INFINITY : Number(steps)
}

function defaultMethod(value: string): string {
  if (value.includes('/')) return 'path'
  return /\.(sql|csv)$/i.test(value) ? 'file' : 'fqn'
}

/** Every criterion of a selection. */
export function* criteriaOf(spec: Spec): Iterable<Criterion> {
  if (spec.is === 'criterion') yield spec
  else for (const part of spec.parts) yield* criteriaOf(part)
}
