import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type Problem, unreadable } from '../pipeline/errors.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import { parseYaml, validate } from '../pipeline/yaml.ts'
import { escapeMarkdown } from './escape-markdown.ts'

/** A message's words: Markdown with front matter (`subject:`) and slots: `{company_name}`, `{first_name|there}`. */
export interface Template {
  /** Relative to the project folder. */
  file: string
  subject: readonly Part[] | null
  body: readonly Part[]
  /** Slots of which the text says something: one of these values, or any. Where no row carries it, nothing is sent. */
  claims?: Readonly<Record<string, Claim>>
}

export type Claim = 'any' | readonly string[]

/** Text as it stands, or a slot: `fallback` is what is said where the value is unknown; without one nothing is sent. */
export type Part = string | { slot: string; fallback: string | null }

export type Rendered = { subject: string | null; body: string } | { unfilled: string[] } | { uncarried: string[] }

const frontMatter = z.strictObject({
  subject: z
    .string()
    .regex(/^[^\r\n]+$/, 'must be one line')
    .optional(),
  claims: z.record(z.string(), z.union([z.literal('any'), z.array(z.string().min(1)).min(1)])).optional(),
})

/** Reads and checks a template (`path` is relative to the project folder); every problem is added with its line. */
export function readTemplate(
  root: string,
  path: string,
  slots: readonly string[],
  problems: Problem[],
): Template | undefined {
  try {
    return parseTemplate(path, readFileSync(join(root, path), 'utf8'), slots, problems)
  } catch (error) {
    problems.push({
      file: path,
      message: unreadable(error),
      hint: 'Write it, or correct the sequence that names it.',
    })
    return undefined
  }
}

export function parseTemplate(
  file: string,
  text: string,
  slots: readonly string[],
  problems: Problem[],
): Template | undefined {
  const before = problems.length
  const source = text.replaceAll('\r\n', '\n')
  const match = /^---\n([\s\S]*?)^---[ \t]*$\n?/m.exec(source)
  const head = match?.index === 0 ? match : undefined
  // One empty line in place of the opening `---` keeps the line numbers of the file.
  const yaml = head === undefined ? undefined : parseYaml(file, `\n${head[1]}`, problems)
  const fields = yaml === undefined ? {} : validate(frontMatter, yaml, problems)
  const at = (line: () => number) => ({ file, line, slots, problems })
  const subject =
    fields?.subject === undefined
      ? null
      : parseParts(
          fields.subject,
          at(() => yaml!.lineOf(['subject'])),
        )
  for (const slot of Object.keys(fields?.claims ?? {})) {
    if (slots.includes(slot)) continue
    const known = didYouMean(slot, slots) ?? `Known: ${slots.join(', ')}.`
    problems.push({ file, line: yaml!.lineOf(['claims', slot]), message: `unknown slot '${slot}'`, hint: known })
  }
  const start = head?.[0].length ?? 0
  const body = source.slice(start)
  const lead = body.length - body.trimStart().length
  const parts = parseParts(
    body.trim(),
    at(() => lineAt(source, start + lead)),
  )
  if (parts.length === 0)
    problems.push({ file, message: 'has no text', hint: 'Write the message below the front matter.' })
  return problems.length > before
    ? undefined
    : { file, subject, body: parts, ...(fields?.claims && { claims: fields.claims }) }
}

/** Fills the slots; in the body what others wrote is said as it stands, whatever it means in Markdown. A slot that has neither value nor fallback leaves the whole message unfilled. */
export function render(
  template: Template,
  lookUp: (slot: string) => string | null,
  valuesOf: (slot: string) => readonly string[] = (slot) => [lookUp(slot) ?? []].flat(),
): Rendered {
  const unfilled = new Set<string>()
  const fill = (parts: readonly Part[], asText: (value: string) => string) =>
    parts
      .map((part) => {
        if (typeof part === 'string') return part
        const value = cleanValue(lookUp(part.slot))
        if (value === null && part.fallback === null) unfilled.add(part.slot)
        return value === null ? (part.fallback ?? '') : asText(value)
      })
      .join('')
  const subject = template.subject && fill(template.subject, (value) => value).trim()
  const message = { subject, body: fill(template.body, escapeMarkdown) }
  if (unfilled.size > 0) return { unfilled: [...unfilled].sort() }
  const uncarried = Object.entries(template.claims ?? {}).filter(([slot, claim]) => !carries(valuesOf(slot), claim))
  return uncarried.length > 0 ? { uncarried: uncarried.map(([slot]) => slot).sort() } : message
}

function carries(values: readonly string[], claim: Claim): boolean {
  const known = values.flatMap((value) => cleanValue(value)?.toLowerCase() ?? [])
  return claim === 'any' ? known.length > 0 : claim.some((one) => known.includes(one.toLowerCase()))
}

/** What others wrote is data: one line, without control or direction characters, at most 200 characters. Empty is unknown. */
export function cleanValue(value: string | null): string | null {
  if (value === null) return null
  const text = value
    .replace(/[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
  if (text === '') return null
  const characters = [...text]
  return characters.length > 200 ? `${characters.slice(0, 199).join('').trimEnd()}…` : text
}

interface Place {
  file: string
  line(): number
  slots: readonly string[]
  problems: Problem[]
}

function parseParts(text: string, { file, line, slots, problems }: Place): Part[] {
  const parts: Part[] = []
  let end = 0
  for (const match of text.matchAll(/\{([a-z][a-z0-9_]*)(?:\|([^{}\n]*))?\}|[{}]/g)) {
    if (match.index > end) parts.push(text.slice(end, match.index))
    end = match.index + match[0].length
    const at = match.index
    const place = {
      file,
      get line() {
        return line() + lineAt(text, at) - 1
      },
    }
    const slot = match[1]
    if (slot === undefined) {
      problems.push({
        ...place,
        message: `'${match[0]}' belongs to no slot`,
        hint: 'A slot is {name} or {name|what to say where it is unknown}, on one line.',
      })
    } else if (!slots.includes(slot)) {
      problems.push({
        ...place,
        message: `unknown slot '{${slot}}'`,
        hint: didYouMean(slot, slots) ?? `Known: ${slots.join(', ')}.`,
      })
    } else {
      parts.push({ slot, fallback: match[2] ?? null })
    }
  }
  if (end < text.length) parts.push(text.slice(end))
  return parts
}

function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length
}
