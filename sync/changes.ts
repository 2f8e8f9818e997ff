import { createHash } from 'node:crypto'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import { accountFor, canonical, type Diff, diffRecord, type Intent } from './diff.ts'
import { inForm } from './forms.ts'
import type { Mapping } from './mapping.ts'
import { checkMappings, columnsOf } from './mapping-check.ts'
import type { CrmProperty, Fields } from './records.ts'
import { type SideRow, sidesSql, wantedSql } from './sides.ts'

/** What an object hangs on, by our ids. */
export interface ParentLink {
  object: string
  record_id: string
  /** Null until it has one there. */
  crm_id: string | null
  /** Null until it is known to be hung on it. */
  status: 'synced' | 'rejected' | null
}

/** One row of a mapping, compared with the CRM: what there is to do. */
export interface Change {
  crm: string
  object: string
  record_id: string
  crm_id: string | null
  /** Of what is to be written, so that the same act has the same id. */
  sync_id: string
  theirs: Fields | undefined
  ours: Fields
  /** Still wanted by the mapping; false when only the ledger knows it. */
  wanted: boolean
  /** Gone from the CRM though we had made it. */
  deleted: boolean
  /** A record of others that becomes ours by this: it is stamped, even where there is nothing else to write. */
  adopts: boolean
  /** Merged into another of ours: left alone. */
  absorbed: boolean
  /** Records of others, several of which may be it: a person must tell. */
  candidates: readonly string[]
  /** What it hangs on. */
  links: readonly ParentLink[]
  /** Whom it is about. */
  about: Pick<SideRow, 'company_id' | 'contact_id' | 'email' | 'domain' | 'cnpj'>
  diff: Diff
  /** We made the record. */
  created: boolean
  /** What was refused, if it was; see `sync.outcomes`. */
  refused: string | null
  /** What the ledger says of the record; null when it says nothing. */
  last_status: string | null
  last_operation: string | null
  written: Fields
  intended: Intent | null
}

/** What decides the comparison besides the three sides. */
export interface Judgement {
  /** Of the object; null where the CRM takes whatever it is given. */
  types: ReadonlyMap<string, CrmProperty['type']> | null
  /** E-mail → id. */
  owners: ReadonlyMap<string, string>
  /** `item_id` → what a person said. */
  decisions: ReadonlyMap<string, string>
}

export const NO_JUDGEMENT: Judgement = { types: null, owners: new Map(), decisions: new Map() }

/**
 * Every row the mapping wants, in order of its key, and what became of it, batch by batch. Reads only. `among` names a
 * table of record ids: only those.
 */
export async function* changesOf(
  connection: Connection,
  mapping: Mapping,
  judgement: Judgement = NO_JUDGEMENT,
  among?: string,
): AsyncIterable<Change[]> {
  const columns = (await columnsOf(connection, mapping.from)) ?? []
  for await (const rows of connection.stream<SideRow>(sidesSql(mapping, columns, among))) {
    yield rows.map((row) => changeOf(mapping, row, judgement))
  }
}

/** Binds what is asked for every mapping. Throws ProjectError when a mapping and its mart do not agree. */
export async function bindMappings(connection: Connection, mappings: readonly Mapping[]): Promise<void> {
  await checkMappings(connection, mappings)
  for (const mapping of mappings) {
    await connection.describe(sidesSql(mapping, (await columnsOf(connection, mapping.from)) ?? []))
  }
}

/** Rows whose key is missing or not unique cannot be told apart: none of them is synced. */
export async function countBadKeys(connection: Connection, mapping: Mapping): Promise<number> {
  const columns = (await columnsOf(connection, mapping.from)) ?? []
  const [counted] = await connection.rows<{ n: number }>(
    `select count(*) as n from (${wantedSql(mapping, columns)}) where record_id is null or copies > 1`,
  )
  return counted!.n
}

/** What a person's word on a field, or on a record, is filed under. */
export function itemId(kind: string, ...parts: readonly string[]): string {
  return `${kind}_${createHash('sha256').update(parts.join('\u001f')).digest('hex').slice(0, 16)}`
}

function changeOf(mapping: Mapping, row: SideRow, judgement: Judgement): Change {
  const { crm, object } = mapping
  const { record_id, company_id, contact_id, email, domain, cnpj } = row
  const found = row.candidates === null ? [] : (JSON.parse(row.candidates) as { crm_id: string; fields: Fields }[])
  const word = judgement.decisions.get(itemId('crm_record', crm, object, record_id))
  const chosen = found.find(({ crm_id }) => crm_id === word) ?? (found.length === 1 ? found[0] : undefined)
  const taken = word === 'none' ? undefined : chosen
  return judged(mapping, judgement, {
    crm,
    object,
    record_id,
    crm_id: row.crm_id ?? taken?.crm_id ?? null,
    sync_id: '',
    theirs: row.theirs === null ? taken?.fields : (JSON.parse(row.theirs) as Fields),
    ours: oursOf(mapping, row, judgement),
    wanted: row.wanted,
    deleted: row.wanted && row.deleted,
    adopts: row.crm_id === null && taken !== undefined,
    absorbed: row.absorbed,
    candidates: chosen !== undefined || word === 'none' ? [] : found.map(({ crm_id }) => crm_id),
    links: row.links === null ? [] : (JSON.parse(row.links) as ParentLink[]),
    about: { company_id, contact_id, email, domain, cnpj },
    diff: { operation: 'unchanged', fields: {}, conflicts: [], written: {} },
    created: row.created ?? false,
    refused: row.refused,
    last_status: row.status,
    last_operation: row.operation,
    written: row.written === null ? {} : (JSON.parse(row.written) as Fields),
    intended: row.intended === null ? null : (JSON.parse(row.intended) as Intent),
  })
}

/** In the forms that the CRM takes; e-mail and domain as everybody compares them. */
function oursOf({ kind }: Mapping, { ours }: SideRow, { types, owners }: Judgement): Fields {
  if (ours === null) return {}
  const lowered = new Set([kind.finds.email, kind.finds.domain])
  const values = Object.entries(JSON.parse(ours) as Fields).map(([to, value]) => {
    const type = types?.get(to)
    const formed = type === undefined ? value : inForm(value, type, owners)
    return [to, lowered.has(to) && typeof formed === 'string' ? formed.trim().toLowerCase() : formed] as const
  })
  return Object.fromEntries(values)
}

/** The same change against another state of the CRM: what it holds right now. */
export function judged(mapping: Mapping, { decisions }: Judgement, change: Change): Change {
  const { crm, object, record_id, ours, theirs, written, intended, deleted, wanted } = change
  const decided = (to: string) => {
    const word = decisions.get(conflictId({ crm, object, record_id }, to, ours[to] ?? null))
    return word === 'ours' || word === 'theirs' ? word : undefined
  }
  // Known to be there, and not read yet: as we left it.
  const remembered = mapping.kind.pull !== 'whole' && change.crm_id !== null
  const seen = theirs ?? (remembered && Object.keys(written).length > 0 ? written : undefined)
  const sides = { ours, theirs: seen, written, intended, deleted: deleted || change.absorbed, decided }
  const diff: Diff = wanted
    ? diffRecord(mapping.fields, sides)
    : { operation: 'unchanged', fields: {}, conflicts: [], written: accountFor({ ...sides, theirs: seen }) }
  return withDiff(change, diff)
}

/** The same row, with something else to be done. */
export function withDiff(change: Change, diff: Diff): Change {
  const { crm, object, record_id } = change
  const identity = [crm, object, record_id, diff.operation, canonical(diff.fields)].join('\u001f')
  return { ...change, diff, sync_id: `syn_${createHash('sha256').update(identity).digest('hex').slice(0, 20)}` }
}

/** A conflict is over when ours changes: then it is another one. */
export function conflictId(
  { crm, object, record_id }: Pick<Change, 'crm' | 'object' | 'record_id'>,
  to: string,
  ours: Fields[string],
): string {
  return itemId('crm_conflict', crm, object, record_id, to, canonical(ours))
}
