import type { DiffPart, DiffTable, DiffWorld, SideWorld, Told } from '../pipeline/diff/part.ts'
import { quoteIdentifier, quoteLiteral } from '../pipeline/table.ts'
import { bindMappings, changesOf, NO_JUDGEMENT } from './changes.ts'
import type { Mapping } from './mapping.ts'
import { createsSql, knownSql } from './sides.ts'

/** What would be written to a record. */
const WRITES = {
  crm: 'VARCHAR',
  object: 'VARCHAR',
  record_id: 'VARCHAR',
  operation: 'VARCHAR',
  /** Field → value as it would be written, unknown or null: not at all; never shown. */
  fields: 'JSON',
}

/**
 * What would be written to the CRM otherwise: both sides are compared with what the CRM held when it was last read, field
 * by field and by the rules of the mapping, for the records whose content differs.
 */
export function movedFields(mappings: readonly Mapping[]): DiffPart {
  const marts = [...new Set(mappings.map(({ from }) => from))]
  return {
    name: 'crm',
    title: 'CRM',
    reads: marts,
    figures: [
      { name: 'crm_creates', label: 'records that would newly be made' },
      { name: 'crm_creates_dropped', label: 'records that would not be made any more' },
      { name: 'crm_updates', label: 'records that would be written otherwise' },
      { name: 'crm_fields', label: 'field values that would be written otherwise' },
    ],
    async prepare({ connection, place, spared, differs }) {
      await bindMappings(connection, mappings)
      const wanted = mappings.map(without(spared)).map((mapping) => {
        const { from, key, where, fields } = mapping
        const values = fields.flatMap(({ column }) =>
          column === null ? [] : [quoteIdentifier(column), `${quoteIdentifier(column)} is null`],
        )
        const rules = quoteLiteral(JSON.stringify(fields))
        // Where the rows of a mart are what they were, only which of them are wanted can differ, and what is done with them.
        const content = differs(from) ? `min(hash(${[rules, ...values].join(', ')}))` : `hash(${rules})`
        return `
          select ${labels(mapping)}, cast(${quoteIdentifier(key)} as varchar) as record_id, ${content} as content
          from marts.${quoteIdentifier(from)}
          where ${where === undefined ? 'true' : `(\n${where}\n)`} and ${quoteIdentifier(key)} is not null
          group by all having count(*) = 1`
      })
      const none =
        'select null::varchar as crm, null::varchar as object, null::varchar as record_id, 0::ubigint as content limit 0'
      await connection.run(
        `create table ${place('wanted')} as ${wanted.length === 0 ? none : wanted.join(' union all ')}`,
      )
    },
    refine: (world) => plan(world, mappings.map(without(world.spared))),
    tell: (world) => tell(world, mappings),
  }
}

/** The mapping but for the fields of columns that were not made for the comparison. */
function without(spared: (mart: string) => readonly string[]): (mapping: Mapping) => Mapping {
  return (mapping) => {
    const columns = spared(mapping.from)
    return { ...mapping, fields: mapping.fields.filter(({ column }) => column === null || !columns.includes(column)) }
  }
}

function labels({ crm, object }: Mapping): string {
  return `${quoteLiteral(crm)} as crm, ${quoteLiteral(object)} as object`
}

/** What this side would write to the records that differ between the two. */
async function plan({ connection, writer, place }: SideWorld, mappings: readonly Mapping[]): Promise<void> {
  const columns = Object.entries(WRITES).map(([name, type]) => `${name} ${type}`)
  await connection.run(`create table ${place('writes')} (${columns.join(', ')})`)
  for (const mapping of mappings) {
    const { crm, object } = mapping
    const among = place(`differ ${crm} ${object}`)
    const here = `crm = ${quoteLiteral(crm)} and object = ${quoteLiteral(object)}`
    await connection.run(`
      create table ${among} as
      select coalesce(a.record_id, b.record_id) as record_id
      from (select * from ${place('wanted', 'before')} where ${here}) as b
      full join (select * from ${place('wanted', 'after')} where ${here}) as a on a.record_id = b.record_id
      where a.content is distinct from b.content`)
    const known = place(`known ${crm} ${object}`)
    await connection.run(`create table ${known} as ${knownSql(mapping, among)}`)
    const fresh = `select record_id from ${among} where record_id not in (select record_id from ${known})`
    await connection.run(`insert into ${place('writes')} ${createsSql(mapping, fresh)}`)
    for await (const changes of changesOf(connection, mapping, NO_JUDGEMENT, known)) {
      const rows = changes.flatMap(({ record_id, diff: { operation, fields } }) =>
        operation === 'unchanged' ? [] : [{ crm, object, record_id, operation, fields }],
      )
      await writer.insert(place('writes'), WRITES, rows)
    }
  }
}

async function tell(world: DiffWorld, mappings: readonly Mapping[]): Promise<Told> {
  const { connection, place, own, spared } = world
  const found = place('changes', 'after')
  const value = (side: 'a' | 'b') => `json_extract_string(nullif(${side}, 'null'::json), '$')`
  await connection.run(`
    create table ${found} as
    with records as (
      select
        coalesce(a.crm, b.crm) as crm, coalesce(a.object, b.object) as object,
        coalesce(a.record_id, b.record_id) as record_id, b.operation as was, a.operation as becomes, b.fields as b, a.fields as a
      from ${place('writes', 'before')} as b
      full join ${place('writes', 'after')} as a
        on a.crm = b.crm and a.object = b.object and a.record_id = b.record_id
      where a.fields is distinct from b.fields or a.operation is distinct from b.operation
    ),
    fields as (
      select
        * exclude (a, b),
        unnest(list_sort(list_distinct(list_concat(coalesce(json_keys(a), []), coalesce(json_keys(b), []))))) as field,
        a -> ('/' || replace(replace(field, '~', '~0'), '/', '~1')) as a,
        b -> ('/' || replace(replace(field, '~', '~0'), '/', '~1')) as b
      from records
    )
    select
      crm, object, record_id, field, was, becomes,
      case when ${value('b')} is null then 'written' when ${value('a')} is null then 'not written' else 'another value' end as change
    from fields
    where nullif(a, 'null'::json) is distinct from nullif(b, 'null'::json)
      or (was is distinct from becomes and coalesce(${value('a')}, ${value('b')}) is not null)`)
  const [counted] = await connection.rows<Record<string, number>>(`
    with records as (
      select crm, object, record_id, bool_or(was = 'create') as made_before, bool_or(becomes = 'create') as made_after
      from ${found} group by all
    )
    select
      count(*) filter (where made_after and not coalesce(made_before, false)) as creates,
      count(*) filter (where made_before and not coalesce(made_after, false)) as dropped,
      count(*) filter (where coalesce(made_after, false) = coalesce(made_before, false)) as updates,
      (select count(*) from ${found}) as fields
    from records`)
  const { creates, dropped, updates, fields } = counted!
  const missing = mappings.flatMap(({ object, from, fields }) => {
    const columns = spared(from)
    return fields.flatMap(({ column, to }) => (column !== null && columns.includes(column) ? [`${object}.${to}`] : []))
  })
  const notes = own('before') ? [] : ['the mappings of today are used for both sides']
  if (missing.length > 0) notes.push(`not counted, since it is not made for a comparison: ${missing.join(', ')}`)
  return {
    figures: {
      crm_creates: { value: creates! },
      crm_creates_dropped: { value: dropped! },
      crm_updates: { value: updates! },
      crm_fields: { value: fields! },
    },
    tables: [await byField(world)],
    notes: fields === 0 ? [] : notes,
  }
}

async function byField({ connection, place }: DiffWorld): Promise<DiffTable> {
  const rows = await connection.rows(`
    select crm, object, field, coalesce(becomes, was) as operation, change, count(*) as records
    from ${place('changes', 'after')} group by all order by all`)
  const columns = ['crm', 'object', 'field', 'operation', 'change', 'records']
  return { name: 'fields', title: 'Fields', columns, rows, total: rows.length }
}
