import { messageOf, type Problem, ProjectError } from '../pipeline/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../pipeline/table.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import { EVENTS, type OutreachEvent } from './events.ts'
import type { Lead } from './lead.ts'
import type { Case } from './plan.ts'
import type { Sequence } from './sequence.ts'

/**
 * The marts whose columns an audience may name; where two have a column of one name, the first is meant. What only the
 * company has keeps its name; what the person has too is `company_…`: `company_linkedin_url`, `company_name`.
 */
export const AUDIENCE_MARTS = ['fct_scored_leads', 'fct_enriched_leads', 'dim_contacts', 'dim_companies'] as const

/** Every lead that some sequence wants or the ledger has a history of, in order of lead_id, batch by batch. */
export async function* dueLeads(connection: Connection, sequences: readonly Sequence[]): AsyncIterable<Case[]> {
  const sql = await dueSelect(connection, sequences)
  for await (const cases of casesOf(connection, `select * from (${sql}) order by lead_id`)) yield cases
}

/**
 * The same as a SELECT, in no order; `among` names a table of lead ids: only those, and the history of no others. Throws
 * ProjectError when an audience does not work.
 */
export async function dueSelect(
  connection: Connection,
  sequences: readonly Sequence[],
  among?: string,
): Promise<string> {
  await checkAudiences(connection, await audienceScope(connection), sequences)
  return dueSql(await audienceScope(connection, among), sequences, among)
}

/** Whether any sequence reads a column of that name. */
export function mentions(sequences: readonly Sequence[], column: string): boolean {
  return new RegExp(`\\b${column}\\b`, 'i').test(dueSql('', sequences))
}

/** What of the marts decides whom to write to, and what: their columns by mart. */
export async function columnsRead(
  connection: Connection,
  sequences: readonly Sequence[],
): Promise<Map<string, string[]>> {
  const text = dueSql('', sequences)
  const read = new Map<string, string[]>()
  for (const mart of AUDIENCE_MARTS) {
    const columns = await connection.describe(`select * from marts.${mart}`)
    const named = columns.filter(({ name }) => new RegExp(`\\b(company_)?${name}\\b`, 'i').test(text))
    read.set(
      mart,
      named.map(({ name }) => name),
    )
  }
  return read
}

/** Rows of `dueSelect`, from wherever they are kept. */
export async function* casesOf(connection: Connection, sql: string): AsyncIterable<Case[]> {
  for await (const rows of connection.stream<DueRow>(sql)) yield rows.map(caseOf)
}

type DueRow = Lead & { history: OutreachEvent[] | null; exists: boolean }

function caseOf({ history, exists, ...lead }: DueRow): Case {
  return { lead: exists ? lead : undefined, history: history ?? [] }
}

/** One row a lead, with the columns of all four marts side by side; `among`: of these leads, which are found before they are joined. */
export async function audienceScope(connection: Connection, among?: string): Promise<string> {
  const taken = new Set<string>()
  const columns: string[] = []
  for (const mart of AUDIENCE_MARTS) {
    for (const { name } of await connection.describe(`select * from marts.${mart}`)) {
      const ours = mart === 'dim_companies' && (taken.has(name) || name === 'name') ? `company_${name}` : name
      if (taken.has(ours) || ours === 'company_company_id') continue
      taken.add(ours)
      columns.push(`${mart}.${quoteIdentifier(name)} as ${quoteIdentifier(ours)}`)
    }
  }
  const of = (mart: string) =>
    among === undefined
      ? `marts.${mart}`
      : `(select * from marts.${mart} where lead_id in (select lead_id from ${among}))`
  return `
    select ${columns.join(', ')}
    from ${of('fct_scored_leads')} as fct_scored_leads
    join ${of('fct_enriched_leads')} as fct_enriched_leads on fct_enriched_leads.lead_id = fct_scored_leads.lead_id
    join marts.dim_companies as dim_companies on dim_companies.company_id = fct_enriched_leads.company_id
    left join marts.dim_contacts as dim_contacts on dim_contacts.contact_id = fct_enriched_leads.contact_id`
}

/** Throws ProjectError, naming file and line, when an audience does not bind or is no condition. */
async function checkAudiences(connection: Connection, scope: string, sequences: readonly Sequence[]): Promise<void> {
  const problems: Problem[] = []
  for (const { file, audience, audience_line: line } of sequences) {
    const hint = `It is SQL over the columns of ${AUDIENCE_MARTS.join(', ')}, true for the leads to write to.`
    try {
      const [column] = await connection.describe(`select (\n${audience}\n) as audience from (${scope})`)
      if (column?.type === 'BOOLEAN') continue
      problems.push({ file, line, message: `audience is ${column?.type ?? 'nothing'}, not BOOLEAN`, hint })
    } catch (error) {
      problems.push({ file, line, message: `audience does not work: ${messageOf(error)}`, hint })
    }
  }
  if (problems.length > 0) throw new ProjectError(problems)
}

const HISTORY = Object.keys(EVENTS.columns).map((column) => `${quoteIdentifier(column)} := ${quoteIdentifier(column)}`)

/** `no.reply+br@…` → `noreply`. */
const BARE_LOCAL_PART = `regexp_replace(regexp_replace(split_part(lower(trim(email)), '@', 1), '[+].*', ''), '[._]', '', 'g')`

function dueSql(scope: string, sequences: readonly Sequence[], among?: string): string {
  const asked = among === undefined ? '' : `where lead_id in (select lead_id from ${among})`
  const memberships = sequences.map(
    ({ name, audience }) => `case when (\n${audience}\n) then ${quoteLiteral(name)} end`,
  )
  return `
    with scope as (${scope}),
    leads as (
      select
        lead_id, company_id, contact_id, qualification_status, is_icp_match, company_name, domain, industry, country,
        state, city, full_name, title, email, email_status, linkedin_url, phone,
        coalesce(
          split_part(lower(trim(email)), '@', 1) in (select local_part from seeds.role_mailboxes)
            or ${BARE_LOCAL_PART} in (select local_part from seeds.role_mailboxes),
          false) as email_is_role,
        exists (
          select 1 from ops.shared_addresses where channel = 'email' and address = lower(trim(email))
        ) as email_is_shared,
        exists (
          select 1 from ops.shared_addresses
          where channel = 'phone' and address = regexp_replace(phone, '[^0-9]', '', 'g')
        ) as phone_is_shared,
        list_contains(coalesce(stale_fields, []), 'email') as email_is_stale,
        (select reason from ops.lead_holds as holds where holds.lead_id = scope.lead_id) as held,
        list_sort(list_distinct(list_concat(coalesce(tech_stack, []), coalesce(tech_stack_detected, [])))) as tech_stack,
        list_reverse_sort(
          list_filter(
            list_transform(buying_signals, lambda s: {'at': s.observed_at, 'kind': s.kind, 'evidence': s.evidence}),
            lambda s: s.at is not null and s.evidence is not null)
        )[1] as signal,
        list_reverse_sort(
          list_filter(
            list_transform(news_mentions, lambda n: {'at': n.published_at, 'title': n.title}),
            lambda n: n.at is not null and n.title is not null)
        )[1] as news,
        list_filter([${memberships.join(', ')}]::varchar[], lambda name: name is not null) as audiences
      from scope
    ),
    history as (
      select
        lead_id,
        list(struct_pack(${HISTORY.join(', ')}) order by sequence, sequence_step, event_id) as events,
        bool_or(status not in ('planned', 'skipped', 'rejected')) as contacted
      from raw.outreach__events
      ${asked}
      group by lead_id
    ),
    claims as (
      select
        leads.lead_id, lower(trim(email)) as email, lower(trim(linkedin_url)) as linkedin_url,
        not coalesce(contacted, false) as latecomer
      from leads
      left join history using (lead_id)
      where coalesce(contacted, false)
        or (len(audiences) > 0 and qualification_status = 'qualified' and is_icp_match is distinct from false)
    ),
    email_owners as (
      select email, arg_min(lead_id, (latecomer, lead_id)) as owner from claims where email <> '' group by email
    ),
    linkedin_owners as (
      select linkedin_url, arg_min(lead_id, (latecomer, lead_id)) as owner
      from claims where linkedin_url <> '' group by linkedin_url
    )
    select
      leads.* exclude (lead_id, signal, news),
      coalesce(leads.lead_id, history.lead_id) as lead_id,
      leads.lead_id is not null as exists,
      signal.kind as signal_kind,
      signal.evidence as signal_evidence,
      news.title as news_title,
      email_owners.owner as email_owner,
      linkedin_owners.owner as linkedin_url_owner,
      history.events as history
    from leads
    full join history on history.lead_id = leads.lead_id
    left join email_owners on email_owners.email = lower(trim(leads.email))
    left join linkedin_owners on linkedin_owners.linkedin_url = lower(trim(leads.linkedin_url))
    where len(leads.audiences) > 0 or history.lead_id is not null`
}
