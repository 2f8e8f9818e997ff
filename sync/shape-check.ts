import type { Problem } from '../pipeline/errors.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import { quoteIdentifier } from '../pipeline/table.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import { inForm } from './forms.ts'
import type { MappedField, Mapping } from './mapping.ts'
import type { CrmProperty, CrmShape, Json } from './records.ts'

/** Of a list that is too long to be told whole. */
const TOLD = 8

interface Fitting {
  mapping: Mapping
  shape: CrmShape
  /** E-mail → id. */
  owners: ReadonlyMap<string, string>
}

/** What does not fit between a mapping and what the CRM really has, each with the line to mend. Reads only. */
export async function shapeProblems(connection: Connection, { mapping, shape, owners }: Fitting): Promise<Problem[]> {
  const problems: Problem[] = []
  if (shape.properties === null) return problems
  const { yaml, object, crm, kind, fields } = mapping
  const known = new Map(shape.properties.map((property) => [property.name, property]))
  const problem = (path: readonly string[], message: string, hint?: string) =>
    problems.push({ file: yaml.file, line: yaml.lineOf(path), message, ...(hint === undefined ? {} : { hint }) })
  for (const own of kind.own) {
    const there = known.get(own.name)
    if (there === undefined && own.unique)
      problem([], `${crm} has no property '${own.name}' of ${object}: it holds our id`, 'pipeline sync setup')
    if (there !== undefined && (there.type !== own.type || (own.unique === true && there.unique !== true))) {
      const is = `${there.unique ? 'unique ' : ''}${there.type}`
      const must = `${own.unique ? 'unique ' : ''}${own.type}`
      problem(
        [],
        `'${own.name}' of ${object} is ${is} in ${crm}, and must be ${must}`,
        `Remove it in ${crm}, then: pipeline sync setup`,
      )
    }
  }
  const written = fields.filter(({ write }) => write !== 'never')
  for (const property of shape.properties) {
    if (property.required !== true || property.writable === false) continue
    if (!written.some(({ to }) => to === property.name))
      problem(['fields'], `fields: ${crm} makes no record of ${object} without '${property.name}'`, 'Map it.')
  }
  for (const field of written) {
    const at = ['fields', field.name]
    const property = known.get(field.to)
    if (property === undefined) {
      const own = kind.own.some(({ name }) => name === field.to)
      const hint = own
        ? 'pipeline sync setup'
        : (didYouMean(field.to, known.keys()) ?? `Make it in ${crm}, or map another.`)
      problem(at, `fields.${field.name}: ${object} of ${crm} have no property '${field.to}'`, hint)
    } else if (property.writable === false || (property.writable === 'create' && field.write === 'always')) {
      const hint = property.writable === false ? 'Remove it, or write: never.' : 'write: on_create'
      problem(at, `fields.${field.name}: '${field.to}' of ${object} is read-only in ${crm}`, hint)
    } else {
      const unfit = await valuesThatDoNotFit(connection, mapping, field, property, owners)
      if (unfit !== undefined) problem(at, `fields.${field.name}: ${unfit.message}`, unfit.hint)
    }
  }
  return problems
}

/** Everything that the field would ever say today, held against what the property takes. */
async function valuesThatDoNotFit(
  connection: Connection,
  { from, where, crm }: Mapping,
  { column, value, values, otherwise }: MappedField,
  property: CrmProperty,
  owners: ReadonlyMap<string, string>,
): Promise<{ message: string; hint: string } | undefined> {
  const { name, type, options } = property
  const closed = options !== undefined || type === 'owner'
  const numeric = ['number', 'boolean', 'date', 'datetime'].includes(type)
  if (!closed && !numeric) return undefined
  const constants = column === null ? [value] : values === undefined ? undefined : [...Object.values(values), otherwise]
  const found =
    constants ??
    (
      await connection.rows<{ value: string }>(
        `select distinct to_json(${quoteIdentifier(column!)})::varchar as value
       from marts.${quoteIdentifier(from)}
       where ${quoteIdentifier(column!)} is not null and ${where === undefined ? 'true' : `(\n${where}\n)`}
       order by value`,
      )
    ).map((row) => JSON.parse(row.value) as Json)
  const given = found.filter((each) => each !== null && each !== '')
  const taken = new Set(options ?? [])
  const wrong = given.filter((each) => {
    const formed = inForm(each, type, owners)
    if (formed === null) return true
    return options !== undefined && [formed].flat().some((part) => !taken.has(String(part)))
  })
  if (wrong.length === 0) return undefined
  const shown = wrong.slice(0, TOLD).map((each) => `'${String(each)}'`)
  const more = wrong.length > TOLD ? ` and ${wrong.length - TOLD} more` : ''
  const list = `${shown.join(', ')}${more}`
  if (type === 'owner') {
    return {
      message: `${wrong.length} owners are no users of ${crm}`,
      hint: 'Name people by the e-mail address they have there.',
    }
  }
  if (numeric)
    return {
      message: `'${name}' of ${crm} is a ${type}, which ${list} is not`,
      hint: 'Map another column, or list values.',
    }
  const takes = [...taken].slice(0, TOLD).map((each) => `'${each}'`)
  const hint = `It takes ${takes.join(', ')}${taken.size > TOLD ? ', …' : ''}: say which with values:, or add an option in ${crm}.`
  return { message: `'${name}' of ${crm} does not take ${list}`, hint }
}
