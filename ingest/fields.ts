/** What the waterfall can find out: on whom, how long it stands, and which facts of a lead it settles. */
export interface FieldSpec {
  description: string
  subject: 'company' | 'contact'
  /** Days that an answer stands, also a miss, before it is asked for again; an older value is stale. */
  ttl_days: number
  /** Columns of `int_lead_facts` that are unknown for want of it. None: it decides nothing, so it is never bought. */
  facts: readonly string[]
}

const ICP = ['is_icp_match', 'icp_profiles', 'icp_soft_met', 'icp_soft_total', 'icp_failed_rules']
const kinds = ['hiring', 'funding', 'expansion', 'leadership_change', 'tech_adoption']

/** Every field there is. Whoever fills one brings its rows to the models named in docs/add-a-provider.md. */
export const FIELDS = {
  email: {
    description: 'A work address and whether it can be written to.',
    subject: 'contact',
    ttl_days: 30,
    facts: ['email', 'email_status'],
  },
  phone: { description: 'A number of the person.', subject: 'contact', ttl_days: 180, facts: ['phone'] },
  headcount: { description: 'People employed.', subject: 'company', ttl_days: 180, facts: ['employee_count', ...ICP] },
  revenue: { description: "A year's revenue.", subject: 'company', ttl_days: 365, facts: ['revenue_usd', ...ICP] },
  funding: { description: 'Stage of funding.', subject: 'company', ttl_days: 90, facts: ['funding_stage', ...ICP] },
  registry: {
    description: 'What a public register says: activity, place, state of registration.',
    subject: 'company',
    ttl_days: 30,
    facts: ['cnae_code', 'industry', 'state', 'city', 'founded_year', ...ICP],
  },
  cnpj: { description: 'The CNPJ behind a domain.', subject: 'company', ttl_days: 365, facts: [] },
  mail: { description: 'Whether the domain takes mail, and who runs it.', subject: 'company', ttl_days: 30, facts: [] },
  tech_stack: {
    description: 'Technologies in use.',
    subject: 'company',
    ttl_days: 30,
    facts: ['tech_stack', 'tech_wanted_found', 'tech_unwanted_found', ...ICP],
  },
  signals: {
    description: 'Dated events that say that now is the time.',
    subject: 'company',
    ttl_days: 30,
    facts: ['signal_count', 'latest_signal_at', ...kinds.flatMap((kind) => [`${kind}_signal_at`, `${kind}_evidence`])],
  },
  news: {
    description: 'Articles that name the company.',
    subject: 'company',
    ttl_days: 30,
    facts: ['news_count_90d', 'latest_news_title', 'latest_news_url', 'latest_news_at'],
  },
  social: {
    description: 'What the company does on LinkedIn.',
    subject: 'company',
    ttl_days: 30,
    facts: ['social_posts_90d', 'linkedin_followers'],
  },
} as const satisfies Record<string, FieldSpec>

export type Field = keyof typeof FIELDS

export function isField(name: string): name is Field {
  return Object.hasOwn(FIELDS, name)
}

/** How the rows of a resource fill one field. A resource whose answer fills several names each, and is asked once. */
export interface Fill {
  /** Does this row answer the question? A hit may be what is paid for. Any row unless said. */
  hit?(row: Record<string, unknown>): boolean
  /** May the hit be believed (an address that can be written to, a count above 0)? One that may not does not stop the waterfall. True unless said. */
  valid?(row: Record<string, unknown>): boolean
  /** What it says, to be compared where several must agree. The whole row unless said. */
  value?(row: Record<string, unknown>): string
  /** In [0, 1]: how sure the vendor is of this row. Null: it does not say. */
  confidence?(row: Record<string, unknown>): number | null
  /** Days that the answer stands; those of the field (fields.ts) unless said. */
  ttl_days?: number
}

/** By field. */
export type Fills = Partial<Record<Field, Fill>>

/**
 * What one question costs in credits, for planning and for the order of the waterfall; a call is charged by the `credits`
 * of its request. `call`: each call, whatever comes. `hit`, `miss`: each subject that is known, or not, on top.
 */
export interface Price {
  call?: number
  hit?: number
  miss?: number
}

/** Enrichment: how a resource is asked. */
export interface Asking<Settings = unknown> {
  /** What must be known of whom it is asked about (`['domain']`); nobody else is asked about. */
  needs?: readonly Known[]
  /** What a question costs. Absent: it is free, and asked before all that is not. */
  price?: Price
  /** Subjects that one call is about. `pages` gets as many at most, for several batches at once. 1 unless said. */
  batch?: number
  /** The same, where it depends on settings. */
  batch_of?(settings: Settings): number
  /** Subjects of one batch have this in common: with `domain`, the people of one company. */
  batch_by?: Known
  /** The vendor could not tell now (a mail server that was down): it is not remembered, and asked again in the next run. */
  pending?(row: Record<string, unknown>): boolean
  /** This person wants the vendor to process nothing about them: suppressed from then on, for all that is bought and sent. */
  claimed?(row: Record<string, unknown>): boolean
}

/** Why personal data may be held (LGPD art. 7, GDPR art. 6). */
export type LegalBasis = 'legitimate_interest' | 'public_record' | 'consent' | 'contract'

/** What may be known of a company or contact before it is asked about. */
export type Known = 'name' | 'domain' | 'cnpj' | 'country' | 'full_name' | 'email' | 'linkedin_url'

/** A company or contact to be enriched, with what is known of it. */
export type Subject = Record<'subject_id' | 'company_id', string> &
  Record<Known, string | null> & {
    /** Its key in the lists of the provider that is asked; absent where it is not from there. */
    own_key?: string
  }
