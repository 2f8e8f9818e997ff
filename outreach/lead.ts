import type { Sender } from './define.ts'

/** A lead as the planner sees it: who, where, and the facts a message may cite. Unknown is null. */
export interface Lead {
  lead_id: string
  company_id: string
  contact_id: string | null
  qualification_status: string
  /** False when every profile of the ICP refuses the company, null when that cannot be told. */
  is_icp_match: boolean | null
  company_name: string | null
  domain: string | null
  industry: string | null
  country: string | null
  state: string | null
  city: string | null
  full_name: string | null
  title: string | null
  email: string | null
  email_status: string | null
  /** The address belongs to a role (`info@`), not to a person. */
  email_is_role: boolean
  /** More than three legal entities have the address: an accountant's. */
  email_is_shared: boolean
  phone_is_shared: boolean
  /** It was checked longer ago than an answer stands: to be checked again before anything is sent to it. */
  email_is_stale: boolean
  linkedin_url: string | null
  phone: string | null
  /** What it is known to run, declared or detected. */
  tech_stack: string[] | null
  signal_kind: string | null
  signal_evidence: string | null
  news_title: string | null
  /** Why nobody writes to it now, whatever a sequence wants: `ops.lead_holds`. */
  held: string | null
  /** Names of the sequences whose audience it is in. */
  audiences: readonly string[]
  /** The lead that may write to this address where several leads share it. */
  email_owner: string | null
  linkedin_url_owner: string | null
}

type SlotValue = (lead: Lead, sender: Sender | undefined) => string | null

/** What `{…}` in a template can say. */
const SLOT_VALUES: Record<string, SlotValue> = {
  first_name: (lead) => firstName(lead.full_name),
  full_name: (lead) => lead.full_name,
  title: (lead) => lead.title,
  company_name: (lead) => lead.company_name,
  domain: (lead) => lead.domain,
  industry: (lead) => lead.industry,
  city: (lead) => lead.city,
  state: (lead) => lead.state,
  country: (lead) => lead.country,
  tech: (lead) => lead.tech_stack?.[0] ?? null,
  signal_kind: (lead) => lead.signal_kind,
  signal_evidence: (lead) => lead.signal_evidence,
  news_title: (lead) => lead.news_title,
  sender_name: (_lead, sender) => sender?.name ?? null,
}

export const SLOTS = Object.keys(SLOT_VALUES)

export function slotValue(slot: string, lead: Lead, sender: Sender | undefined): string | null {
  return SLOT_VALUES[slot]?.(lead, sender) ?? null
}

/** All that is known of a slot: a claim may rest on any of it. */
export function slotValues(slot: string, lead: Lead, sender: Sender | undefined): readonly string[] {
  return slot === 'tech' ? (lead.tech_stack ?? []) : [slotValue(slot, lead, sender) ?? []].flat()
}

/** First word of the name, without honorifics; registers that shout (`MARIA DA SILVA`) are quietened. */
function firstName(full_name: string | null): string | null {
  const words = (full_name ?? '').trim().split(/\s+/)
  const name = words.find((word) => word !== '' && !/^(mr|mrs|ms|dr|dra|sr|sra|prof|profa|eng)\.?$/i.test(word))
  if (name === undefined || !/\p{L}{2}/u.test(name)) return null
  if (name !== name.toUpperCase() && name !== name.toLowerCase()) return name
  return name.toLowerCase().replace(/(^|[-'’])\p{L}/gu, (start) => start.toUpperCase())
}
