import type { ApplyEntry, Journal, Journalled } from '../journal.ts'
import { associationOf, modifiedOf, type Property, standardProperties, TYPE_IDS } from './schema.ts'

export interface Rec {
  id: string
  object: string
  properties: Record<string, string>
  created: number
  updated: number
  archived: boolean
  /** The record it went into when somebody merged the two. */
  merged_into: string | null
}

/** Who writes, and what they gave to know it by. */
export interface Author {
  by: 'api' | 'person'
  trace?: string | null
}

const API: Author = { by: 'api' }

export interface StoreOptions {
  journal: Journal
  now(): number
  /** A change shows in search so many milliseconds later. */
  index_delay_ms(): number
}

/** Everything an account holds. Its only way to change is an entry in the journal, so that the journal is the store. */
export class Store {
  readonly records = new Map<string, Map<string, Rec>>()
  readonly properties = new Map<string, Map<string, Property>>()
  readonly groups = new Map<string, Set<string>>()
  /** `contacts:512` → `companies:77` → types. */
  readonly links = new Map<string, Map<string, Set<number>>>()
  readonly blocked_emails = new Set<string>()
  private readonly unique = new Map<string, string>()
  private readonly indexed = new Map<string, Map<string, Rec>>()
  private waiting: { due: number; rec: Rec }[] = []
  private indexed_to = 0
  private last_id = 1_000

  constructor(private readonly options: StoreOptions) {
    for (const object of Object.keys(TYPE_IDS)) {
      this.records.set(object, new Map())
      this.indexed.set(object, new Map())
      this.properties.set(object, new Map(standardProperties(object).map((property) => [property.name, property])))
      this.groups.set(object, new Set([`${object}information`]))
    }
    for (const entry of options.journal.applies()) this.mutate(entry, 0)
  }

  nextId(): string {
    return String(++this.last_id)
  }

  get(object: string, id: string): Rec | undefined {
    return this.records.get(object)?.get(id)
  }

  /** The live record with that id, the one it was merged into included if `follow`. */
  live(object: string, id: string, follow = false): Rec | undefined {
    const rec = this.get(object, id)
    if (rec === undefined || rec.archived) return undefined
    if (rec.merged_into !== null) return follow ? this.live(object, rec.merged_into, true) : undefined
    return rec
  }

  list(object: string): Rec[] {
    return [...(this.records.get(object)?.values() ?? [])].filter((rec) => !rec.archived && rec.merged_into === null)
  }

  isUnique(object: string, property: string): boolean {
    if (object === 'contacts' && property === 'email') return true
    return this.properties.get(object)?.get(property)?.hasUniqueValue === true
  }

  byUnique(object: string, property: string, value: string): Rec | undefined {
    const id = this.unique.get(uniqueKey(object, property, value))
    return id === undefined ? undefined : this.live(object, id)
  }

  /** As search sees it. */
  index(object: string): Iterable<Rec> {
    const now = this.options.now()
    for (; (this.waiting[this.indexed_to]?.due ?? Number.POSITIVE_INFINITY) <= now; this.indexed_to++) {
      const { rec } = this.waiting[this.indexed_to]!
      const index = this.indexed.get(rec.object)!
      if (rec.archived || rec.merged_into !== null) index.delete(rec.id)
      else index.set(rec.id, rec)
    }
    return this.indexed.get(object)!.values()
  }

  create(object: string, properties: Record<string, string>, author = API): Rec {
    const id = this.nextId()
    this.apply('create', object, id, properties, author)
    return this.get(object, id)!
  }

  update(rec: Rec, properties: Record<string, string>, author = API): Rec {
    this.apply('update', rec.object, rec.id, properties, author)
    return this.get(rec.object, rec.id)!
  }

  archive(rec: Rec, author = API): void {
    this.apply('archive', rec.object, rec.id, {}, author)
  }

  forget(rec: Rec, author = API): void {
    this.apply('forget', rec.object, rec.id, {}, author)
  }

  /** The loser is gone; what the survivor lacks it takes from it. `as`: HubSpot gives some merges an id of their own. */
  merge(survivor: Rec, loser: Rec, author = API, as?: string): Rec {
    const { object } = survivor
    this.apply('merge', object, survivor.id, { loser: loser.id, ...(as === undefined ? {} : { as }) }, author)
    return this.get(object, as ?? survivor.id)!
  }

  associate(from: Rec, to: Rec, types: readonly number[], author = API): void {
    const known = this.links.get(`${from.object}:${from.id}`)?.get(`${to.object}:${to.id}`)
    if (types.every((type) => known?.has(type))) return
    this.apply('associate', from.object, from.id, { to: `${to.object}:${to.id}`, types }, author)
  }

  dissociate(from: Rec, to: Rec, author = API): void {
    if (this.links.get(`${from.object}:${from.id}`)?.has(`${to.object}:${to.id}`) !== true) return
    this.apply('dissociate', from.object, from.id, { to: `${to.object}:${to.id}` }, author)
  }

  /** To → types, of live records only. */
  linked(from: Rec, to_object: string): [Rec, Set<number>][] {
    const links = this.links.get(`${from.object}:${from.id}`) ?? new Map<string, Set<number>>()
    return [...links].flatMap(([key, types]): [Rec, Set<number>][] => {
      const [object = '', id = ''] = key.split(':')
      const rec = object === to_object ? this.live(object, id) : undefined
      return rec === undefined ? [] : [[rec, types]]
    })
  }

  addProperty(object: string, property: Property, author = API): void {
    this.apply('property', object, property.name, { ...property }, author)
  }

  addGroup(object: string, name: string, author = API): void {
    this.apply('group', object, name, {}, author)
  }

  private apply(act: string, object: string, id: string, fields: Record<string, unknown>, author: Author): void {
    const key = this.get(object, id)?.properties.lead_engine_id ?? fields.lead_engine_id ?? null
    const entry = { kind: 'apply', act, object, id, key: key as string | null, trace: author.trace ?? null } as const
    this.mutate(this.options.journal.add({ ...entry, by: author.by, fields }), this.options.index_delay_ms())
  }

  private mutate(entry: Journalled<ApplyEntry>, delay: number): void {
    const { act, object, id, fields, at } = entry
    const all = this.records.get(object)!
    if (/^\d+$/.test(id)) this.last_id = Math.max(this.last_id, Number(id))
    const before = all.get(id)
    const put = (rec: Rec) => {
      this.reindex(all.get(rec.id), rec)
      all.set(rec.id, rec)
      this.waiting.push({ due: Math.max(at + delay, this.waiting.at(-1)?.due ?? 0), rec })
    }
    const stamped = (properties: Record<string, string>) => ({
      ...properties,
      hs_object_id: id,
      [modifiedOf(object)]: new Date(at).toISOString(),
    })
    switch (act) {
      case 'create': {
        const properties = { createdate: new Date(at).toISOString(), ...stamped(fields as Record<string, string>) }
        put({ id, object, properties, created: at, updated: at, archived: false, merged_into: null })
        return
      }
      case 'update':
        put({ ...before!, properties: without(stamped({ ...before!.properties, ...(fields as object) })), updated: at })
        return
      case 'archive':
        put({ ...before!, archived: true, updated: at })
        return
      case 'forget':
        this.blocked_emails.add(before!.properties.email ?? '')
        put({ ...before!, archived: true, properties: {}, updated: at })
        return
      case 'merge':
        this.mergeRecords(all, before!, entry, put)
        return
      case 'associate':
        this.link(`${object}:${id}`, fields.to as string, fields.types as number[])
        return
      case 'dissociate':
        this.links.get(`${object}:${id}`)?.delete(fields.to as string)
        this.links.get(fields.to as string)?.delete(`${object}:${id}`)
        return
      case 'property':
        this.properties.get(object)!.set(id, fields as unknown as Property)
        return
      case 'group':
        this.groups.get(object)!.add(id)
    }
  }

  private mergeRecords(all: Map<string, Rec>, survivor: Rec, entry: Journalled<ApplyEntry>, put: (rec: Rec) => void) {
    const { object, at, fields } = entry
    const loser = all.get(fields.loser as string)!
    const id = (fields.as as string | undefined) ?? survivor.id
    if (/^\d+$/.test(id)) this.last_id = Math.max(this.last_id, Number(id))
    const gone = id === survivor.id ? [loser] : [loser, survivor]
    const ids = [survivor.properties.hs_merged_object_ids, ...gone.map((rec) => rec.id)].filter(Boolean).join(';')
    const properties = {
      ...loser.properties,
      ...survivor.properties,
      hs_object_id: id,
      hs_merged_object_ids: ids,
      [modifiedOf(object)]: new Date(at).toISOString(),
    }
    for (const rec of gone) put({ ...rec, merged_into: id, updated: at })
    put({ ...survivor, id, properties, updated: at })
    for (const rec of gone) {
      for (const [to, types] of this.links.get(`${object}:${rec.id}`) ?? [])
        this.link(`${object}:${id}`, to, [...types])
    }
  }

  /** Both ways; the first company of a record is its primary one. */
  private link(from: string, to: string, types: readonly number[]): void {
    const [from_object = '', to_object = ''] = [from.split(':')[0], to.split(':')[0]]
    const { plain, reverse, primary, primary_reverse } = associationOf(from_object, to_object)!
    const others = [...(this.links.get(from)?.keys() ?? [])].filter(
      (key) => key.startsWith(`${to_object}:`) && key !== to,
    )
    const first = to_object === 'companies' && primary !== null && others.length === 0
    const forth = new Set([...types, plain, ...(first ? [primary] : [])])
    const back = new Set([reverse, ...(forth.has(primary ?? -1) && primary_reverse !== null ? [primary_reverse] : [])])
    for (const [a, b, ids] of [[from, to, forth] as const, [to, from, back] as const]) {
      const links = this.links.get(a) ?? new Map<string, Set<number>>()
      links.set(b, new Set([...(links.get(b) ?? []), ...ids]))
      this.links.set(a, links)
    }
  }

  private reindex(before: Rec | undefined, after: Rec): void {
    const values = (rec: Rec | undefined) =>
      Object.entries(rec?.properties ?? {}).filter(([name]) => this.isUnique(after.object, name))
    for (const [name, value] of values(before)) {
      const key = uniqueKey(after.object, name, value)
      if (this.unique.get(key) === after.id) this.unique.delete(key)
    }
    if (after.archived || after.merged_into !== null) return
    for (const [name, value] of values(after)) this.unique.set(uniqueKey(after.object, name, value), after.id)
  }
}

function uniqueKey(object: string, property: string, value: string): string {
  return `${object}\n${property}\n${value.toLowerCase()}`
}

/** An empty text clears a property. */
function without(properties: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== ''))
}
