import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Problem } from '../pipeline/errors.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import { readYaml, validate, type YamlFile } from '../pipeline/yaml.ts'
import type { Crm } from './define.ts'
import type { FieldRule } from './diff.ts'
import type { CrmObject, Json } from './records.ts'

const column = z.string().regex(/^[a-z][a-z0-9_]*$/, 'must be a column, in snake_case')
const value = z.union([z.string(), z.number(), z.boolean(), z.null()])

const field = z.strictObject({
  /** The CRM's property. */
  to: z.string().min(1),
  write: z.enum(['always', 'if_empty', 'on_create', 'never']),
  /** The column that it comes from, where that is not the field's own name. */
  from: column.optional(),
  /** Always this, whatever the row. */
  value: value.optional(),
  /** What the CRM calls each value; null, or not listed: left out. */
  values: z.record(z.string(), value).optional(),
  /** What is written for values that are not listed. */
  otherwise: value.optional(),
})

/** `sync/mappings/<crm>/<object>.yml`: which rows of which mart become records, and who may write which field. */
export const mappingFile = z.strictObject({
  description: z.string().min(1),
  /** A mart. */
  from: column,
  /** Its column with the id of a row, which becomes the record's key. */
  key: column,
  /** SQL over the mart's columns: who qualifies. Rows for which it is not true are left out. */
  where: z.string().min(1).optional(),
  /** Columns by which a record that was there before us is the same one. */
  match: z.strictObject({ email: column.optional(), domain: column.optional(), cnpj: column.optional() }).default({}),
  /** Columns with the key of another object's row, and which object that is: what the record hangs on. */
  links: z.record(column, z.string().min(1)).default({}),
  /** What becomes of a record whose row is gone, or qualifies no more; `archive` only of those that we made. */
  deletes: z.enum(['leave', 'archive']).default('leave'),
  fields: z.record(column, field),
})

export type MappedField = FieldRule & {
  name: string
  /** Null: `value` it is. */
  column: string | null
  value: Json
  values: Readonly<Record<string, Json>> | undefined
  otherwise: Json
}

export interface Mapping {
  /** The instance. */
  crm: string
  object: string
  /** What its CRM declares of the object. */
  kind: CrmObject
  yaml: YamlFile
  from: string
  key: string
  where: string | undefined
  match: Readonly<Partial<Record<'email' | 'domain' | 'cnpj', string>>>
  links: Readonly<Record<string, string>>
  deletes: 'leave' | 'archive'
  fields: readonly MappedField[]
}

/** A CRM as `pipeline.yaml` has it. */
export interface SwitchedOn {
  /** Of the instance. */
  name: string
  definition: Crm
  settings: Record<string, unknown>
  mappings: readonly Mapping[]
}

/**
 * Reads the mappings of one CRM, parents before children; every problem is added with its line. An instance with a folder of
 * its own has its own mappings, others those of their CRM.
 */
export function readMappings(
  root: string,
  { name: crm, crm: kind }: { name: string; crm: string },
  definition: Crm,
  problems: Problem[],
): Mapping[] {
  const folder = `sync/mappings/${existsSync(join(root, 'sync/mappings', crm)) ? crm : kind}`
  const objects = Object.keys(definition.objects)
  const files = existsSync(join(root, folder))
    ? readdirSync(join(root, folder)).filter((file) => /\.ya?ml$/.test(file))
    : []
  if (files.length === 0) {
    const hint = `Write ${folder}/<object>.yml for one of: ${objects.join(', ')}.`
    problems.push({ file: folder, message: 'holds no mapping', hint })
  }
  const mappings = files.flatMap((file) => {
    const object = file.replace(/\.ya?ml$/, '')
    if (!objects.includes(object)) {
      const message = `${definition.title} has no object '${object}'`
      problems.push({ file: `${folder}/${file}`, message, hint: didYouMean(object, objects) })
      return []
    }
    return readMapping(root, `${folder}/${file}`, { crm, object }, definition, problems) ?? []
  })
  const mapped = new Set(mappings.map(({ object }) => object))
  for (const { yaml, links } of mappings) {
    for (const [name, object] of Object.entries(links)) {
      if (mapped.has(object) || !objects.includes(object)) continue
      const message = `links.${name}: nothing is mapped to ${object}`
      problems.push({
        file: yaml.file,
        line: yaml.lineOf(['links', name]),
        message,
        hint: `Write ${folder}/${object}.yml.`,
      })
    }
  }
  const place = ({ object }: Mapping) => objects.indexOf(object)
  return mappings.sort((a, b) => place(a) - place(b))
}

function readMapping(
  root: string,
  path: string,
  of: { crm: string; object: string },
  definition: Crm,
  problems: Problem[],
): Mapping | undefined {
  const yaml = readYaml(root, join(root, path), problems)
  const file = yaml && validate(mappingFile, yaml, problems)
  if (file === undefined) return undefined
  const before = problems.length
  const kind = definition.objects[of.object]!
  const problem = (at: readonly string[], message: string, hint?: string) =>
    problems.push({ file: path, line: yaml!.lineOf(at), message, ...(hint === undefined ? {} : { hint }) })
  const fields = Object.entries(file.fields).map(([name, rule]): MappedField => {
    const { to, write, from = name, value = null, values, otherwise = null } = rule
    if (rule.value !== undefined && (rule.from !== undefined || values !== undefined))
      problem(
        ['fields', name, 'value'],
        `fields.${name}: a value needs neither from nor values`,
        'Remove one of the two.',
      )
    if (rule.otherwise !== undefined && values === undefined)
      problem(
        ['fields', name, 'otherwise'],
        `fields.${name}: otherwise goes with values`,
        'List the values, or remove it.',
      )
    return { name, to, write, column: rule.value === undefined ? from : null, value, values, otherwise }
  })
  for (const [index, { name, to }] of fields.entries()) {
    if (kind.reserved.includes(to)) {
      const hint = `${definition.title} sets it itself. Choose another name.`
      problem(['fields', name, 'to'], `fields.${name}: '${to}' cannot be written`, hint)
    }
    const other = fields.findIndex((field) => field.to === to)
    if (other < index)
      problem(
        ['fields', name, 'to'],
        `fields.${name}: '${to}' is already filled from ${fields[other]!.name}`,
        'Remove one of the two.',
      )
  }
  for (const [name, object] of Object.entries(file.links)) {
    if (Object.hasOwn(kind.links, object)) continue
    const known = Object.keys(kind.links)
    const hint = known.length === 0 ? 'Remove it.' : (didYouMean(object, known) ?? `One of: ${known.join(', ')}.`)
    problem(['links', name], `links.${name}: ${of.object} of ${definition.title} do not hang on '${object}'`, hint)
  }
  for (const name of Object.keys(file.match)) {
    if (Object.hasOwn(kind.finds, name)) continue
    const known = Object.keys(kind.finds)
    const hint = known.length === 0 ? 'Remove it.' : `It knows: ${known.join(', ')}.`
    problem(['match', name], `match.${name}: ${of.object} of ${definition.title} are not found by it`, hint)
  }
  if (fields.length === 0) problem(['fields'], 'fields: maps nothing')
  if (problems.length > before) return undefined
  const { from, key, where, match, links, deletes } = file
  return { ...of, kind, yaml: yaml!, from, key, where, match: match as Mapping['match'], links, deletes, fields }
}
