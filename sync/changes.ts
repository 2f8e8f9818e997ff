import { createHash } from 'node:crypto'
import { quoteIdentifier, quoteLiteral } from '../pipeline/table.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import { accountFor, canonical, type Diff, diffRecord, type Intent } from './diff.ts'
import { checkMappings, type Mapping } from './mapping.ts'
import type { Fields } from './records.ts'

/** One row of a mapping, compared with the CRM: what there is to do. */
export interface Change {
  crm: string
  object: string
  record_id: string
  crm_id: string | null
  /** Of what is to be written, so that the same act has the same id. */
  sync_id: string
  theirs: Fields | undefined
  /** Still wanted by the mapping; false when only the ledger knows it. */
  wanted: boolean
  /** Gone from the CRM though we had made it. */
  deleted: boolean
  diff: Diff
  /** What the ledger says of the record; null when it says nothing. */
  last_status: string | null
  last_operation: string | null
  intended: Intent | null
}

/**
 * Every row the mapping wants, in order of its key, and what became of it, batch by batch. Reads only. `among` names a
 * table of record ids: only those.
 */
export async function* changesOf(connection: Connection, mapping: Mapping, among?: string): AsyncIterable<Change[]> {
  for await (const rows of connection.stream<SideRow>(sidesSql(mapping, among))) {
    yield rows.map((row) => changeOf(mapping, row))
  }
}

/** Binds what is asked for every mapping. Throws ProjectError when a mapping and its mart do not agree. */
export async function bindMappings(connection: Connection, mappings: readonly Mapping[]): Promise<void> {
  await checkMappings(connection, mappings)
  for (const mapping of mappings) await connection.describe(sidesSql(mapping))
}

/** Rows whose key is missing or not unique cannot be told apart: none of them is synced. */
export async function countBadKeys(connection: Connection, mapping: Mapping): Promise<number> {
  const [counted] = await connection.rows<{ n: number }>(
    `select count(*) as n from (${wantedSql(mapping)}) where record_id is null or copies > 1`,
  )
  return counted!.n
}

interface SideRow {
  record_id: string
  wanted: boolean
  ours: string | null
  theirs: string | null
  written: string | null
  intended: string | null
  crm_id: string | null
  deleted: boolean
  status: string | null
  operation: string | null
}

function changeOf({ crm, object, fields }: Mapping, row: SideRow): Change {
  const theirs = row.theirs === null ? undefined : (JSON.parse(row.theirs) as Fields)
  const written = row.written === null ? {} : (JSON.parse(row.written) as Fields)
  const intended = row.intended === null ? null : (JSON.parse(row.intended) as Intent)
  const ours = row.ours === null ? {} : (JSON.parse(row.ours) as Fields)
  const sides = { ours, theirs, written, intended, deleted: row.deleted }
  const diff: Diff = row.wanted
    ? diffRecord(fields, sides)
    : { operation: 'unchanged', fields: {}, conflicts: [], written: accountFor(sides) }
  const identity = [crm, object, row.record_id, diff.operation, canonical(diff.fields)].join('\u001f')
  return {
    crm,
    object,
    record_id: row.record_id,
    crm_id: row.crm_id,
    sync_id: `syn_${createHash('sha256').update(identity).digest('hex').slice(0, 20)}`,
    theirs,
    wanted: row.wanted,
    deleted: row.wanted && row.deleted,
    diff,
    last_status: row.status,
    last_operation: row.operation,
    intended,
  }
}

/** Of the records in `among`, those that the CRM holds or the ledger knows of. */
export function knownSql({ crm, object }: Mapping, among: string): string {
  const here = `crm = ${quoteLiteral(crm)} and object = ${quoteLiteral(object)}`
  return `
    select record_id from ${among}
    where record_id in (select record_id from raw.sync__outcomes where ${here} and record_id is not null)
      or record_id in (select record_id from raw.crm__records where ${here} and not deleted and record_id is not null)`
}

/**
 * What `changesOf` finds for records that neither knows, as rows (crm, object, record_id, operation, fields) of a SELECT:
 * they are made, with every field but those never written. Fields may be null here: they are not written.
 */
export function createsSql(mapping: Mapping, among: string): string {
  const fields = mapping.fields.filter(({ write }) => write !== 'never')
  return `
    select ${quoteLiteral(mapping.crm)}, ${quoteLiteral(mapping.object)}, record_id, 'create', ours
    from (${wantedSql({ ...mapping, fields })})
    where copies = 1 and record_id in (${among})`
}

function wantedSql({ from, key, where, fields }: Mapping): string {
  const pairs = fields.map(({ column, to }) => `${quoteLiteral(to)}, to_json(${quoteIdentifier(column)})`)
  const id = `cast(${quoteIdentifier(key)} as varchar)`
  return `
    select ${id} as record_id, json_object(${pairs.join(', ')}) as ours, count(*) over (partition by ${id}) as copies
    from marts.${quoteIdentifier(from)}
    where ${where === undefined ? 'true' : `(\n${where}\n)`}`
}

function sidesSql(mapping: Mapping, among?: string): string {
  const asked = among === undefined ? '' : `and record_id in (select record_id from ${among})`
  const here = `crm = ${quoteLiteral(mapping.crm)} and object = ${quoteLiteral(mapping.object)}`
  return `
    with wanted as (
      select record_id, ours from (${wantedSql(mapping)}) where record_id is not null and copies = 1 ${asked}
    ),
    outcomes as (select * from raw.sync__outcomes where ${here} ${asked}),
    records as (select crm_id, record_id, fields from raw.crm__records where ${here} and not deleted),
    by_key as (
      select * from records where record_id is not null
      qualify row_number() over (partition by record_id order by crm_id) = 1
    ),
    sides as (
      select
        coalesce(wanted.record_id, outcomes.record_id) as record_id,
        wanted.record_id is not null as wanted,
        wanted.ours,
        outcomes.written, outcomes.intended, outcomes.status, outcomes.operation,
        coalesce(by_key.crm_id, by_id.crm_id) as found_id,
        coalesce(by_key.fields, by_id.fields) as theirs,
        outcomes.crm_id as known_id
      from wanted
      full join outcomes on outcomes.record_id = wanted.record_id
      left join by_key on by_key.record_id = coalesce(wanted.record_id, outcomes.record_id)
      left join records as by_id
        on by_id.crm_id = outcomes.crm_id and (by_id.record_id is null or by_id.record_id = outcomes.record_id)
    )
    select
      record_id, wanted, ours, theirs, written, intended, status, operation,
      coalesce(found_id, known_id) as crm_id,
      found_id is null and known_id is not null and exists (select 1 from records) as deleted
    from sides
    order by record_id`
}
