import type { ApplyEntry, Journal } from '../../fakes/journal.ts'
import type { Vendor } from './vendors.ts'

export interface Verdict {
  /** Keys of ours that were made more than once. */
  duplicates: number
  missing: number
  wrong: number
  /** Keys that are none of ours. */
  extra: number
  links_missing: number
  links_extra: number
}

export const CLEAN: Verdict = { duplicates: 0, missing: 0, wrong: 0, extra: 0, links_missing: 0, links_extra: 0 }

export interface Expected {
  companies: number
  /** The first so many companies have been renamed. */
  changed?: number
  notes?: boolean
}

/** Everything that we did to a record, metadata left out. */
export function ownApplies(journal: Journal): ReturnType<Journal['applies']> {
  return journal
    .applies()
    .filter(({ by, object, act }) => by === 'api' && !object.startsWith('#') && !['property', 'group'].includes(act))
}

/** What the vendor's journal says became of the rows, and nothing else. */
export function judge({ journal, objects }: Vendor, { companies, changed = 0, notes = false }: Expected): Verdict {
  const verdict = { ...CLEAN }
  const all = ownApplies(journal())
  const kinds = [
    { object: objects.company, prefix: 'cmp', text: (n: number) => `Company ${n}${n <= changed ? ' renamed' : ''}` },
    { object: objects.contact, prefix: 'con', text: (n: number) => `Person ${n}` },
    { object: objects.deal, prefix: 'led', text: (n: number) => `Deal ${n}` },
    ...(notes ? [{ object: objects.note, prefix: 'led', text: (n: number) => `Brief ${n}` }] : []),
  ]
  for (const { object, prefix, text } of kinds) {
    const made = new Map<string, number>()
    const fields = new Map<string, Record<string, unknown>>()
    for (const entry of all.filter((each) => each.object === object)) {
      const key = keyOf(entry)
      if (entry.act === 'create') made.set(key, (made.get(key) ?? 0) + 1)
      if (entry.act === 'create' || entry.act === 'update') fields.set(key, { ...fields.get(key), ...entry.fields })
    }
    verdict.duplicates += [...made.values()].filter((count) => count > 1).length
    for (let n = 1; n <= companies; n++) {
      const key = `${prefix}_${n}`
      const isRight = (value: unknown) => typeof value === 'string' && plain(value) === text(n)
      if (!fields.has(key)) verdict.missing++
      else if (!Object.values(fields.get(key)!).some(isRight)) verdict.wrong++
      made.delete(key)
    }
    verdict.extra += made.size
  }
  const links = linksIn(all)
  for (let n = 1; n <= companies; n++) {
    for (const link of [
      `cmp_${n} con_${n}`,
      `cmp_${n} led_${n}`,
      `con_${n} led_${n}`,
      ...(notes ? [`led_${n} note led_${n}`] : []),
    ])
      if (!links.delete(link)) verdict.links_missing++
  }
  return { ...verdict, links_extra: links.size }
}

/** Our key: as it is stamped, or in the mark of what takes no stamp. */
function keyOf({ key, id, fields }: ApplyEntry): string {
  const marked = /lead_engine_id: ([^<\s]+)/.exec(String(fields.hs_note_body ?? ''))?.[1]
  return (key ?? marked ?? id).replace(/^note:/, '')
}

const plain = (text: string) => text.replace(/<br>.*$/s, '')

/** Pairs of our keys that hang together, whichever way and by whichever means. */
function linksIn(all: readonly ApplyEntry[]): Set<string> {
  const names = new Map<string, string>()
  const pairs: [string, string][] = []
  for (const entry of all) {
    const { act, object, id } = entry
    const isNote = object === 'notes' || object === 'Task'
    if (act === 'create' || act === 'update') {
      const key = keyOf(entry)
      if (key !== id) names.set(id, isNote ? `note ${key}` : key)
    }
    const { AccountId, OpportunityId, ContactId, WhatId, to } = entry.fields as Record<string, string | undefined>
    if (act === 'associate' && to !== undefined) pairs.push([id, to.slice(to.indexOf(':') + 1)])
    if (AccountId) pairs.push([id, AccountId])
    if (WhatId) pairs.push([id, WhatId])
    if (OpportunityId && ContactId) pairs.push([OpportunityId, ContactId])
  }
  return new Set(
    pairs.map((pair) =>
      pair
        .map((id) => names.get(id) ?? id)
        .sort()
        .join(' '),
    ),
  )
}
