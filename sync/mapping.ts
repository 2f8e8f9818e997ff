import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf, type Problem, ProjectError } from '../pipeline/errors.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import { quoteIdentifier } from '../pipeline/table.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import { readYaml, validate, type YamlFile } from '../pipeline/yaml.ts'
import type { Crm } from './define.ts'
import type { FieldRule } from './diff.ts'

const column = z.string().regex(/^[a-z][a-z0-9_]*$/, 'must be a column, in snake_case')

/** `sync/mappings/<crm>/<object>.yml`: which rows of which mart become records, and who may write which field. */
export const mappingFile = z.strictObject({
  description: z.string().min(1),
  /** A mart. */
  from: column,
  /** Its column with the id of a row, which becomes the record's key. */
  key: column,
  /** SQL over the mart's columns; rows for which it is not true are left out. */
  where: z.string().min(1).optional(),
  fields: z.record(
    column,
    z.strictObject({ to: z.string().min(1), write: z.enum(['always', 'if_empty', 'on_create', 'never']) }),
  ),
})

export interface Mapping {
  /** The instance. */
  crm: string
  object: string
  yaml: YamlFile
  from: string
  key: string
  where: string | undefined
  fields: readonly (FieldRule & { column: string })[]
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
  const files = existsSync(join(root, folder))
    ? readdirSync(join(root, folder)).filter((file) => /\.ya?ml$/.test(file))
    : []
  if (files.length === 0) {
    const hint = `Write ${folder}/<object>.yml for one of: ${Object.keys(definition.objects).join(', ')}.`
    problems.push({ file: folder, message: 'holds no mapping', hint })
  }
  const mappings = files.flatMap((file) => {
    const object = file.replace(/\.ya?ml$/, '')
    if (!Object.hasOwn(definition.objects, object)) {
      const message = `${definition.title} has no object '${object}'`
      problems.push({ file: `${folder}/${file}`, message, hint: didYouMean(object, Object.keys(definition.objects)) })
      return []
    }
    return readMapping(root, `${folder}/${file}`, { crm, object }, definition, problems) ?? []
  })
  const place = ({ object }: Mapping) => Object.keys(definition.objects).indexOf(object)
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
  const fields = Object.entries(file.fields).map(([name, rule]) => ({ column: name, ...rule }))
  for (const [index, { column: name, to }] of fields.entries()) {
    const line = () => yaml!.lineOf(['fields', name, 'to'])
    if (definition.objects[of.object]!.reserved.includes(to)) {
      const hint = `${definition.title} sets it itself. Choose another name.`
      problems.push({ file: path, line: line(), message: `fields.${name}: '${to}' cannot be written`, hint })
    }
    const other = fields.findIndex((field) => field.to === to)
    if (other < index) {
      const message = `fields.${name}: '${to}' is already filled from ${fields[other]!.column}`
      problems.push({ file: path, line: line(), message, hint: 'Remove one of the two.' })
    }
  }
  if (fields.length === 0)
    problems.push({ file: path, line: yaml!.lineOf(['fields']), message: 'fields: maps nothing' })
  return problems.length > before ? undefined : { ...of, ...file, where: file.where, yaml: yaml!, fields }
}

/** Throws ProjectError, naming file and line, when a mapping names a column its mart lacks or its `where` does not work. */
export async function checkMappings(connection: Connection, mappings: readonly Mapping[]): Promise<void> {
  const problems: Problem[] = []
  for (const { yaml, from, key, where, fields } of mappings) {
    const problem = (path: readonly string[], message: string, hint?: string) =>
      problems.push({ file: yaml.file, line: yaml.lineOf(path), message, hint })
    const columns = await columnsOf(connection, from)
    if (columns === undefined) {
      problem(['from'], `there is no mart '${from}'`, 'Name a model of models/marts/.')
      continue
    }
    const check = (path: readonly string[], name: string) => {
      if (!columns.includes(name)) problem(path, `${from} has no column '${name}'`, didYouMean(name, columns))
    }
    check(['key'], key)
    for (const { column: name } of fields) check(['fields', name], name)
    if (where === undefined) continue
    try {
      const [condition] = await connection.describe(
        `select (\n${where}\n) as condition from marts.${quoteIdentifier(from)}`,
      )
      if (condition?.type !== 'BOOLEAN') problem(['where'], `where is ${condition?.type ?? 'nothing'}, not BOOLEAN`)
    } catch (error) {
      problem(['where'], `where does not work: ${messageOf(error)}`, `It is SQL over the columns of ${from}.`)
    }
  }
  if (problems.length > 0) throw new ProjectError(problems)
}

async function columnsOf(connection: Connection, mart: string): Promise<string[] | undefined> {
  try {
    return (await connection.describe(`select * from marts.${quoteIdentifier(mart)}`)).map(({ name }) => name)
  } catch {
    return undefined
  }
}
