import { quoteIdentifier, quoteLiteral } from '../pipeline/table.ts'
import { canonical } from './diff.ts'
import type { MappedField, Mapping } from './mapping.ts'

/** One row of `sidesSql`. */
export interface SideRow {
  record_id: string
  wanted: boolean
  /** Of the row itself, as far as its mart has them: whom it is about. */
  company_id: string | null
  contact_id: string | null
  email: string | null
  domain: string | null
  cnpj: string | null
  /** JSON. */
  ours: string | null
  theirs: string | null
  written: string | null
  intended: string | null
  crm_id: string | null
  deleted: boolean
  /** The record it was merged into is another one of ours. */
  absorbed: boolean
  /** JSON: records of others that may be it, with their fields. */
  candidates: string | null
  /** JSON: what it hangs on, and how far that is. */
  links: string | null
  created: boolean | null
  refused: string | null
  status: string | null
  operation: string | null
}

/** Columns that say whom a row is about. */
export const ABOUT = ['company_id', 'contact_id', 'email', 'domain', 'cnpj'] as const

const here = ({ crm, object }: Pick<Mapping, 'crm' | 'object'>) =>
  `crm = ${quoteLiteral(crm)} and object = ${quoteLiteral(object)}`

function valueSql({ column, value, values, otherwise }: MappedField): string {
  const json = (constant: MappedField['value']) => `${quoteLiteral(canonical(constant))}::json`
  if (column === null) return json(value)
  const name = quoteIdentifier(column)
  if (values === undefined) return `to_json(${name})`
  const cases = Object.entries(values).map(([from, to]) => `when ${quoteLiteral(from)} then ${json(to)}`)
  const rest = `case when ${name} is not null then ${json(otherwise)} end`
  return cases.length === 0 ? rest : `case cast(${name} as varchar) ${cases.join(' ')} else ${rest} end`
}

/** The rows that a mapping wants. `columns`: those of its mart. */
export function wantedSql({ from, key, where, fields, match }: Mapping, columns: readonly string[]): string {
  const pairs = fields.map((field) => `${quoteLiteral(field.to)}, ${valueSql(field)}`)
  const id = `cast(${quoteIdentifier(key)} as varchar)`
  const about = ABOUT.map((name) => {
    const column = (match as Record<string, string | undefined>)[name] ?? (columns.includes(name) ? name : undefined)
    const text = column === undefined ? 'null::varchar' : `lower(trim(cast(${quoteIdentifier(column)} as varchar)))`
    const digits = name === 'cnpj' ? `upper(regexp_replace(${text}, '[^0-9a-z]', '', 'g'))` : text
    const kept = name.endsWith('_id') && column !== undefined ? `cast(${quoteIdentifier(column)} as varchar)` : digits
    return `${kept} as "about ${name}"`
  })
  return `
    select *, ${id} as record_id, json_object(${pairs.join(', ')}) as ours, ${about.join(', ')},
      count(*) over (partition by ${id}) as copies
    from marts.${quoteIdentifier(from)}
    where ${where === undefined ? 'true' : `(\n${where}\n)`}`
}

/** What hangs on what: one row a link that the mart names, with the ids that both ends have there, once they have them. */
export function linksSql(mapping: Mapping, columns: readonly string[]): string {
  const links = Object.entries(mapping.links)
  if (links.length === 0)
    return `select null::varchar as record_id, null::varchar as to_object, null::varchar as to_record_id limit 0`
  return links
    .map(
      ([column, object]) => `
      select record_id, ${quoteLiteral(object)} as to_object, cast(${quoteIdentifier(column)} as varchar) as to_record_id
      from (${wantedSql(mapping, columns)})
      where record_id is not null and copies = 1 and ${quoteIdentifier(column)} is not null`,
    )
    .join(' union ')
}

/** The same, with the id that the other end has there, null until it has one, and what became of the link. */
export function linkedSql(mapping: Mapping, columns: readonly string[]): string {
  const crm = `crm = ${quoteLiteral(mapping.crm)}`
  return `
    select wanted_links.*, parents.crm_id as to_id, done.status
    from (${linksSql(mapping, columns)}) as wanted_links
    left join (select object, record_id, crm_id from raw.sync__outcomes where ${crm} and crm_id is not null) as parents
      on parents.object = wanted_links.to_object and parents.record_id = wanted_links.to_record_id
    left join (select * from raw.sync__links where ${here(mapping)}) as done
      on done.record_id = wanted_links.record_id
      and done.to_object = wanted_links.to_object and done.to_record_id = wanted_links.to_record_id`
}

/** Old id → the id that a record has since it was merged, as far as it was told. */
const followed = (mapping: Mapping) => `
  followed as (
    select crm_id as old_id, merged_into as new_id, 1 as hops
    from raw.crm__records where ${here(mapping)} and merged_into is not null
    union all
    select followed.old_id, records.merged_into, hops + 1
    from followed
    join raw.crm__records as records on records.crm_id = followed.new_id
    where ${here(mapping)} and records.merged_into is not null and hops < 10
  ),
  merges as (select old_id, arg_max(new_id, hops) as new_id from followed group by all)`

/** What can be found: records of others, by what they are known by. */
function candidatesSql({ match, kind }: Mapping): string {
  const keys = Object.keys(match).filter((key) => Object.hasOwn(kind.finds, key))
  if (keys.length === 0)
    return 'select null::varchar as record_id, null::varchar as crm_id, null::json as fields limit 0'
  return keys
    .map(
      (key) => `
      select unmade.record_id, alive.crm_id, alive.fields
      from unmade join alive on (alive.facts ->> '$.${key}') = unmade."about ${key}"
      where alive.record_id is null and alive.crm_id not in (select crm_id from outcomes where crm_id is not null)`,
    )
    .join(' union ')
}

/**
 * Every row that the mapping wants, or that the ledger knows, with its three sides, in order of its key. `columns`: those of
 * its mart; `among`: a table of record ids, only those.
 */
export function sidesSql(mapping: Mapping, columns: readonly string[], among?: string): string {
  const asked = among === undefined ? '' : `and record_id in (select record_id from ${among})`
  const whole = mapping.kind.pull === 'whole'
  const gone = whole
    ? 'found.crm_id is null and known_id is not null and exists (select 1 from alive)'
    : `found.crm_id is null and coalesce(known_deleted, false)`
  return `
    with recursive ${followed(mapping)},
    wanted as (
      select record_id, ours, ${ABOUT.map((name) => `"about ${name}"`).join(', ')}
      from (${wantedSql(mapping, columns)}) where record_id is not null and copies = 1 ${asked}
    ),
    outcomes as (select * from raw.sync__outcomes where ${here(mapping)} ${asked}),
    pulled as (select crm_id, record_id, fields, facts, deleted, _load from raw.crm__records where ${here(mapping)}),
    -- what we wrote after it was read, over what was read: a reading may lag behind
    since as (
      select
        writes.crm_id,
        list_reduce(list(writes.after order by writes._load, writes.write_id), (a, b) -> json_merge_patch(a, b)) as after
      from (select * from raw.sync__writes where ${here(mapping)} and after is not null) as writes
      join pulled on pulled.crm_id = writes.crm_id and pulled._load < writes._load
      group by all
    ),
    records as (
      select
        pulled.crm_id, pulled.record_id, pulled.facts, pulled.deleted,
        case when since.after is null then pulled.fields else json_merge_patch(pulled.fields, since.after) end as fields
      from pulled left join since on since.crm_id = pulled.crm_id
    ),
    alive as (select * from records where not deleted),
    by_key as (
      select crm_id, record_id, fields from alive where record_id is not null
      qualify row_number() over (partition by record_id order by crm_id) = 1
    ),
    known as (
      select
        coalesce(wanted.record_id, outcomes.record_id) as record_id,
        wanted.record_id is not null as wanted, wanted.ours,
        ${ABOUT.map((name) => `wanted."about ${name}"`).join(', ')},
        outcomes.written, outcomes.intended, outcomes.status, outcomes.operation, outcomes.created, outcomes.refused,
        coalesce(merges.new_id, outcomes.crm_id) as known_id
      from wanted
      full join outcomes on outcomes.record_id = wanted.record_id
      left join merges on merges.old_id = outcomes.crm_id
    ),
    found as (
      select
        known.record_id, coalesce(by_key.crm_id, by_id.crm_id) as crm_id, coalesce(by_key.fields, by_id.fields) as fields,
        by_key.crm_id is null and by_id.record_id <> known.record_id as absorbed
      from known
      left join by_key on by_key.record_id = known.record_id
      left join alive as by_id on by_id.crm_id = known.known_id
    ),
    unmade as (
      select known.* from known join found using (record_id)
      where known.wanted and known.known_id is null and found.crm_id is null
    ),
    candidates as (
      select record_id, to_json(list({'crm_id': crm_id, 'fields': fields} order by crm_id)) as candidates from (${candidatesSql(mapping)}) group by all
    ),
    links as (
      select record_id, to_json(list(
        {'object': to_object, 'record_id': to_record_id, 'crm_id': to_id, 'status': status} order by to_object, to_record_id
      )) as links
      from (${linkedSql(mapping, columns)}) group by all
    )
    select
      known.record_id, known.wanted,
      ${ABOUT.map((name) => `known."about ${name}" as ${name}`).join(', ')},
      known.ours, found.fields as theirs, known.written, known.intended, known.status, known.operation,
      known.created, known.refused, coalesce(found.absorbed, false) as absorbed,
      coalesce(found.crm_id, known.known_id) as crm_id,
      coalesce(${gone} or (known.operation = 'archive' and known.status = 'synced'), false) as deleted,
      candidates.candidates, links.links
    from known
    left join found on found.record_id = known.record_id
    left join (select crm_id as gone_id, deleted as known_deleted from records) on gone_id = known.known_id
    left join candidates on candidates.record_id = known.record_id
    left join links on links.record_id = known.record_id
    order by known.record_id`
}

/** Of the records in `among`, those that the CRM holds, or may hold, or the ledger knows of. */
export function knownSql(mapping: Mapping, among: string): string {
  if (Object.keys(mapping.match).length > 0) return `select record_id from ${among}`
  return `
    select record_id from ${among}
    where record_id in (select record_id from raw.sync__outcomes where ${here(mapping)} and record_id is not null)
      or record_id in (
        select record_id from raw.crm__records where ${here(mapping)} and not deleted and record_id is not null
      )`
}

/**
 * What `changesOf` finds for records that neither knows, as rows (crm, object, record_id, operation, fields) of a SELECT:
 * they are made, with every field but those never written. Fields may be null here: they are not written.
 */
export function createsSql(mapping: Mapping, among: string): string {
  const fields = mapping.fields.filter(({ write }) => write !== 'never')
  return `
    select ${quoteLiteral(mapping.crm)}, ${quoteLiteral(mapping.object)}, record_id, 'create', ours
    from (${wantedSql({ ...mapping, fields }, [])})
    where copies = 1 and record_id in (${among})`
}
