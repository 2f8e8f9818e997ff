import { chanceOf, type Odds } from './odds.ts'
import { worthOf } from './order.ts'

/** What is open of a lead: the columns that could change its tier, with what each could do. */
export interface OpenLead {
  lead_id: string
  /** Those of whom questions can be asked: its company and its person. */
  subjects: readonly string[]
  /** Whether anything unknown can still change its tier. */
  is_open: boolean
  tier: string | null
  /** Lowest to highest score that the unknown leaves open. */
  width: number
  /** Column → how far it could move the score, and whether it alone could change the tier. */
  columns: ReadonlyMap<string, { swing: number; alone: boolean }>
}

/** A question that could be asked next: the best place of what is left of a waterfall. */
export interface Candidate {
  subject_id: string
  field: string
  /** For each field that its answer would fill: the columns of a lead that it would make known. */
  facts: readonly (readonly string[])[]
  odds: Odds
}

export interface Chosen<C extends Candidate> {
  candidate: C
  /** Expected use for the money: what is asked first when it may not reach for all. */
  worth: number
  reason: 'could_change_tier' | 'tier_wanted' | 'always' | 'before_send'
}

/** How much an answer matters to a lead: its share of what is open, at most 1; twice that where it could decide alone. */
function impactOf(lead: OpenLead, facts: Candidate['facts']): number {
  let impact = 0
  for (const columns of facts) {
    let swing = 0
    for (const name of columns) {
      const column = lead.columns.get(name)
      if (column !== undefined) swing = Math.max(swing, column.alone ? 2 * column.swing : column.swing)
    }
    impact += lead.width <= 0 ? 0 : swing / lead.width
  }
  return Math.min(1, impact)
}

/**
 * What to buy in this round: for each lead whose tier is open, the question that decides most for its price. A lead waits
 * for one answer at a time, since that answer may settle it. `wanted`: tiers whose leads get all fields, settled or not.
 */
export function chooseRound<C extends Candidate>(
  leads: readonly OpenLead[],
  candidates: readonly C[],
  wanted: ReadonlySet<string> = new Set(),
): Chosen<C>[] {
  const leadsOf = new Map<string, OpenLead[]>()
  for (const lead of leads) {
    for (const subject of lead.subjects) {
      const own = leadsOf.get(subject)
      if (own === undefined) leadsOf.set(subject, [lead])
      else own.push(lead)
    }
  }
  const valued = candidates.flatMap((candidate) => {
    const own = leadsOf.get(candidate.subject_id) ?? []
    const open = own.filter((lead) => lead.is_open && impactOf(lead, candidate.facts) > 0)
    const settled = own.filter((lead) => !lead.is_open && lead.tier !== null && wanted.has(lead.tier))
    if (open.length + settled.length === 0) return []
    const impact = open.reduce((sum, lead) => sum + impactOf(lead, candidate.facts), settled.length)
    const reason: Chosen<C>['reason'] = open.length > 0 ? 'could_change_tier' : 'tier_wanted'
    const worth = impact * worthOf(chanceOf(candidate.odds), candidate.odds)
    return [{ candidate, worth, reason, leads: open }]
  })
  valued.sort(
    (a, b) =>
      b.worth - a.worth ||
      compare(a.candidate.subject_id, b.candidate.subject_id) ||
      compare(a.candidate.field, b.candidate.field),
  )
  const waiting = new Set<string>()
  const chosen: Chosen<C>[] = []
  for (const { leads: open, ...one } of valued) {
    if (open.length > 0 && open.every(({ lead_id }) => waiting.has(lead_id))) continue
    for (const { lead_id } of open) waiting.add(lead_id)
    chosen.push(one)
  }
  return chosen
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
