import { join, relative, resolve } from 'node:path'
import { z } from 'zod'
import {
  type CrmContext,
  type CrmRecord,
  type CrmRow,
  type CrmSession,
  defineCrm,
  type Facts,
  type Fields,
  type Outcome,
} from '../define.ts'
import { type FileRecord, readRecords, writeRecords } from './file/records.ts'

const settings = z.strictObject({
  /** Folder, relative to the project. */
  path: z.string().min(1).default('data/crm'),
})

const common = { reserved: ['id', 'lead_engine_id'], keyed: true, links: {}, pull: 'whole', own: [] } as const

/** A folder of JSON files, one an object: `companies.json`, a list of records sorted by id. People may edit it. */
export default defineCrm({
  title: 'JSON files',
  docs: 'https://www.rfc-editor.org/rfc/rfc8259',
  settings,
  objects: {
    companies: { ...common, kind: 'company', finds: { domain: 'domain', cnpj: 'cnpj' } },
    contacts: { ...common, kind: 'contact', finds: { email: 'email' } },
    deals: { ...common, kind: 'deal', finds: {} },
  },
  batch: 5_000,
  clock: 'as_of',
  account: () => null,
  connect,
})

function connect({ root, settings: { path } }: CrmContext<z.output<typeof settings>>): CrmSession {
  const folder = resolve(root, path)
  const fileOf = (object: string) => join(folder, `${object}.json`)
  const records = (object: string) => readRecords(root, fileOf(object))
  /** Taken out of the file; answers for each whether it was there. */
  const remove = (object: string, ids: readonly string[]): Outcome[] => {
    const [held, going] = [records(object), new Set(ids)]
    const there = new Set(held.map(({ id }) => id))
    if (ids.length > 0)
      writeRecords(
        root,
        fileOf(object),
        held.filter(({ id }) => !going.has(id)),
      )
    return ids.map((id) => ({ status: there.has(id) ? 'done' : 'gone', crm_id: id }))
  }
  return {
    async identity() {
      return { account: null, name: relative(root, folder) || folder, time_zone: null }
    },
    /** Takes whatever it is given. */
    describe: async () => ({ properties: null, pipelines: [] }),
    create: async () => {},
    owners: async () => [],
    async find(object, wanted) {
      const held = records(object).filter(({ lead_engine_id }) => !lead_engine_id)
      return wanted
        .map(({ email, domain, cnpj }) =>
          held.filter(
            (record) =>
              is(record.email, email) || is(record.domain, domain) || is(digitsOf(record.cnpj), digitsOf(cnpj)),
          ),
        )
        .map((found) => found.map(toRecord))
    },
    async read(object, crm_ids) {
      const held = new Map(records(object).map((record) => [record.id, record]))
      return crm_ids.map((id) => (held.has(id) ? toRecord(held.get(id)!) : null))
    },
    async *pull(object) {
      yield records(object).map(toRecord)
    },
    async upsert(object, rows) {
      const held = records(object)
      const byKey = new Map(held.map(({ lead_engine_id }, index) => [lead_engine_id ?? '', index]))
      const byId = new Map(held.map(({ id }, index) => [id, index]))
      const outcomes = rows.map((row): Outcome => {
        const index = byKey.get(row.record_id) ?? byId.get(row.crm_id ?? row.record_id) ?? held.length
        const stamp = held[index]?.lead_engine_id
        if (stamp && stamp !== row.record_id) {
          const message = `the record with this id bears the lead_engine_id '${stamp}'`
          return { status: 'rejected', crm_id: null, code: 'taken', property: 'lead_engine_id', message }
        }
        const record = merge(held[index], row)
        held[index] = record
        byKey.set(row.record_id, index)
        byId.set(record.id, index)
        return { status: 'done', crm_id: record.id }
      })
      if (rows.length > 0) writeRecords(root, fileOf(object), held)
      return outcomes
    },
    link: async (_from, _to, pairs) => pairs.map(({ from_id }) => ({ status: 'done', crm_id: from_id })),
    archive: async (object, crm_ids) => remove(object, crm_ids),
    erase: async (object, crm_ids) => remove(object, crm_ids),
  }
}

function toRecord({ id, lead_engine_id, ...fields }: FileRecord): CrmRecord {
  return { crm_id: id, record_id: lead_engine_id ?? null, fields, modified_at: null, facts: factsOf(fields) }
}

/** What people write into these files, where it has a meaning: `stage: won`, `opted_out: true`. */
function factsOf({ stage, amount, owner, opted_out, relationship, email, domain, cnpj, name }: Fields): Facts {
  const told = {
    email: textOf(email)?.toLowerCase(),
    domain: textOf(domain)?.toLowerCase(),
    cnpj: digitsOf(cnpj ?? null) ?? undefined,
    name: textOf(name),
    owner: textOf(owner),
    relationship: (['customer', 'competitor', 'open_deal'] as const).find((each) => each === relationship),
    opted_out: typeof opted_out === 'boolean' ? opted_out : undefined,
    stage: textOf(stage),
    amount: typeof amount === 'number' ? amount : undefined,
    is_closed: stage === undefined ? undefined : stage === 'won' || stage === 'lost',
    is_won: stage === undefined ? undefined : stage === 'won',
  }
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined))
}

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
const digitsOf = (value: unknown) => (typeof value === 'string' ? value.replace(/[^0-9A-Za-z]/g, '') : null)
const is = (held: unknown, wanted: string | null) =>
  wanted !== null && typeof held === 'string' && held.toLowerCase() === wanted.toLowerCase()

/** What is there keeps its place; a new record bears our id as its own. Null empties. */
function merge(existing: FileRecord | undefined, { record_id, fields }: CrmRow): FileRecord {
  const { id = record_id, lead_engine_id: _, ...rest } = existing ?? ({} as Partial<FileRecord>)
  const kept = Object.entries({ ...(rest as Fields), ...fields }).filter(([, value]) => value !== null)
  return { id, lead_engine_id: record_id, ...(Object.fromEntries(kept) as Fields) }
}
