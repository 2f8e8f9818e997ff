import { z } from 'zod'
import { RemoteError } from '../../pipeline/errors.ts'
import { type Crm, CrmError, defineCrm } from '../../sync/define.ts'
import type {
  CrmObject,
  CrmProperty,
  CrmRecord,
  CrmRow,
  CrmShape,
  Fields,
  HookEvent,
  Link,
  Outcome,
} from '../../sync/records.ts'

export interface MemoryRecord {
  crm_id: string
  record_id: string | null
  fields: Fields
  links: Link[]
  at: number
  deleted: boolean
  merged_into: string | null
}

/** What went in, in the CRM's own words: the judge of a test reads this and nothing of ours. */
export interface Entry {
  act: 'create' | 'update' | 'link' | 'archive' | 'erase'
  object: string
  crm_id: string
  record_id: string | null
  fields: Fields
}

/** How often, and how, a call goes wrong: asked before each call that writes. */
export type Fault = 'before' | 'after' | undefined

const text = (name: string, more: Partial<CrmProperty> = {}): CrmProperty => ({
  name,
  label: name,
  type: 'text',
  ...more,
})
const key = text('lead_engine_id', { unique: true })

/** A CRM in memory that tells changes, merges and deletions, and keeps a journal of what it was told to do. */
export class MemoryCrm {
  readonly journal: Entry[] = []
  readonly calls: { call: string; object: string; rows: number }[] = []
  readonly store = new Map<string, Map<string, MemoryRecord>>()
  account = 'acc_1'
  fault: (call: string) => Fault = () => undefined
  /** What it refuses of a row. */
  refuse: (object: string, row: CrmRow) => Pick<Outcome, 'code' | 'property' | 'message'> | undefined = () => undefined
  shapes: Record<string, CrmShape> = {}
  /** A reading that lags behind: what changed this lately is not told by `pull`. */
  lag = 0
  #next = 1
  #clock = Date.parse('2026-11-01T00:00:00Z')

  constructor() {
    const properties = ['name', 'domain', 'email', 'city', 'title', 'stage', 'brief', 'country'].map((name) =>
      text(name),
    )
    const shape = {
      properties: [key, ...properties, text('size', { type: 'number' }), text('owner', { type: 'owner' })],
      pipelines: [],
    }
    for (const object of ['companies', 'contacts', 'deals', 'notes']) {
      this.store.set(object, new Map())
      this.shapes[object] = shape
    }
  }

  of(object: string): MemoryRecord[] {
    return [...this.store.get(object)!.values()].filter(({ deleted }) => !deleted)
  }

  get writes(): number {
    return this.journal.length
  }

  /** By a person. */
  put(object: string, fields: Fields, record_id: string | null = null): string {
    const crm_id = `${object}_${this.#next++}`
    this.store
      .get(object)!
      .set(crm_id, { crm_id, record_id, fields, links: [], at: this.#tick(), deleted: false, merged_into: null })
    return crm_id
  }

  edit(object: string, crm_id: string, fields: Fields): void {
    const record = this.store.get(object)!.get(crm_id)!
    record.fields = { ...record.fields, ...fields }
    record.at = this.#tick()
  }

  remove(object: string, crm_id: string, into: string | null = null): void {
    Object.assign(this.store.get(object)!.get(crm_id)!, { deleted: true, merged_into: into, at: this.#tick() })
  }

  #tick(): number {
    this.#clock += 1000
    return this.#clock
  }

  #told({ crm_id, record_id, fields, links, at, deleted, merged_into }: MemoryRecord): CrmRecord {
    const kept = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
    const { email, domain, owner, stage, opted_out } = kept as Record<string, string>
    const facts = {
      ...{ ...(email && { email }), ...(domain && { domain }), ...(owner && { owner }), ...(stage && { stage }) },
      ...(opted_out === undefined ? {} : { opted_out: String(opted_out) === 'true' }),
    }
    return {
      crm_id,
      record_id,
      fields: kept,
      links,
      modified_at: new Date(at).toISOString(),
      deleted,
      merged_into,
      facts,
    }
  }

  #call<T>(call: string, object: string, rows: number, work: () => T): T {
    this.calls.push({ call, object, rows })
    const fault = this.fault(call)
    if (fault === 'before') throw new RemoteError(`memory: ${call} broke off`, 'memory', { reason: 'broken' })
    const result = work()
    if (fault === 'after') throw new RemoteError(`memory: ${call} broke off`, 'memory', { reason: 'broken' })
    return result
  }

  definition(batch = 1000): Crm {
    const common = {
      reserved: ['lead_engine_id'],
      keyed: true,
      links: {},
      finds: {},
      own: [key],
      pull: 'changes',
    } as const
    const objects: Record<string, CrmObject> = {
      companies: { ...common, kind: 'company', finds: { domain: 'domain' } },
      contacts: { ...common, kind: 'contact', finds: { email: 'email' }, links: { companies: 'apart' } },
      deals: { ...common, kind: 'deal', links: { companies: 'inline', contacts: 'apart' } },
      notes: { ...common, kind: 'note', keyed: false, own: [], pull: 'never', links: { deals: 'inline' } },
    }
    const definition = defineCrm({
      title: 'Memory',
      docs: 'https://example.com',
      settings: z.strictObject({ account: z.string().default('acc_1') }),
      objects,
      batch,
      clock: 'wall',
      account: ({ account }) => account,
      connect: () => this.#session(objects),
      hook: {
        isGenuine: () => true,
        events: (body) => (Array.isArray(body) ? (body as HookEvent[]) : null),
      },
    })
    return definition as unknown as Crm
  }

  #session(objects: Record<string, CrmObject>): ReturnType<Crm['connect']> {
    const store = (object: string) => this.store.get(object)!
    const alive = (object: string, crm_id: string): MemoryRecord | undefined => {
      const record = store(object).get(crm_id)
      return record?.merged_into ? alive(object, record.merged_into) : record?.deleted ? undefined : record
    }
    const write = (object: string, row: CrmRow): Outcome => {
      const refused = this.refuse(object, row)
      if (refused !== undefined) return { status: 'rejected', crm_id: null, ...refused }
      const { keyed } = objects[object]!
      const mine = keyed ? this.of(object).find(({ record_id }) => record_id === row.record_id) : undefined
      const record = mine ?? (row.crm_id === null ? undefined : alive(object, row.crm_id))
      if (record === undefined && row.crm_id !== null) return { status: 'gone', crm_id: null }
      const crm_id = record?.crm_id ?? this.put(object, {}, row.record_id)
      const held = store(object).get(crm_id)!
      Object.assign(held, { record_id: row.record_id, fields: { ...held.fields, ...row.fields }, at: this.#tick() })
      held.links.push(...row.links)
      const { record_id, fields } = row
      this.journal.push({ act: record === undefined ? 'create' : 'update', object, crm_id, record_id, fields })
      return { status: 'done', crm_id }
    }
    const remove = (act: 'archive' | 'erase', object: string, ids: readonly string[]): Outcome[] =>
      this.#call(act, object, ids.length, () =>
        ids.map((crm_id) => {
          if (alive(object, crm_id) === undefined) return { status: 'gone' as const, crm_id: null }
          this.remove(object, crm_id)
          this.journal.push({ act, object, crm_id, record_id: null, fields: {} })
          return { status: 'done' as const, crm_id }
        }),
      )
    return {
      identity: async () => {
        if (this.account === '') throw new CrmError('the token is not accepted: make another')
        return { account: this.account, name: 'Memory', time_zone: 'UTC' }
      },
      describe: async (object) => this.shapes[object]!,
      create: async () => {},
      owners: async () => [
        { id: 'u1', email: 'ana@example.com', name: null },
        { id: 'u2', email: 'bia@example.com', name: null },
      ],
      find: async (object, wanted) =>
        this.#call('find', object, wanted.length, () => {
          const { keyed } = objects[object]!
          return wanted.map(({ record_id, email, domain }) =>
            this.of(object)
              .filter((record) =>
                keyed
                  ? (email !== null && record.fields.email === email) ||
                    (domain !== null && record.fields.domain === domain)
                  : record.record_id === record_id,
              )
              .map((record) => this.#told(record)),
          )
        }),
      read: async (object, ids) =>
        this.#call('read', object, ids.length, () =>
          ids.map((id) => {
            const record = alive(object, id)
            return record === undefined ? null : this.#told(record)
          }),
        ),
      pull: (object, since) => this.#pull(object, since),
      upsert: async (object, rows) =>
        this.#call('upsert', object, rows.length, () => rows.map((row) => write(object, row))),
      link: async (object, to, pairs) =>
        this.#call('link', object, pairs.length, () =>
          pairs.map(({ from_id, to_id }) => {
            const record = alive(object, from_id)
            if (record === undefined) return { status: 'gone' as const, crm_id: null }
            if (!record.links.some((link) => link.object === to && link.crm_id === to_id)) {
              record.links.push({ object: to, crm_id: to_id })
              this.journal.push({ act: 'link', object, crm_id: from_id, record_id: to_id, fields: {} })
            }
            return { status: 'done' as const, crm_id: from_id }
          }),
        ),
      archive: async (object, ids) => remove('archive', object, ids),
      erase: async (object, ids) => remove('erase', object, ids),
    }
  }

  async *#pull(object: string, since: string | null): AsyncGenerator<CrmRecord[]> {
    const from = since === null ? 0 : Date.parse(since)
    const records = [...this.store.get(object)!.values()].filter(({ at }) => at >= from && at <= this.#clock - this.lag)
    yield this.#call('pull', object, records.length, () => records.map((record) => this.#told(record)))
  }
}
