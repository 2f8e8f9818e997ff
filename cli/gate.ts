import { among, type Chapter, type Library, linesOf, type Whom } from '../pipeline/story.ts'

/** The gate at which each lead stands now: the first on its way that it has not passed. */
export async function gateChapter(library: Library, { company_ids, lead_ids }: Whom): Promise<Chapter> {
  const marts = ['dim_companies', 'fct_scored_leads', 'fct_outreach_events', 'fct_crm_syncs'].map(
    (name) => `marts.${name}`,
  )
  const holds = library.has('ops.lead_holds')
    ? 'ops.lead_holds'
    : '(select null::varchar as lead_id, null::varchar as reason, null::date as until)'
  const lines = await linesOf(
    library,
    marts,
    `with messages as (
        select lead_id,
          bool_or(status in ('sent', 'delivered', 'opened', 'replied')) as is_sent,
          bool_or(status = 'approved') as is_approved,
          bool_or(status = 'planned') as is_planned,
          min(skip_reason) filter (where status = 'skipped') as skip_reason
        from marts.fct_outreach_events group by lead_id
      )
      select null as "at", leads.lead_id || ': ' || case
          when leads.qualification_status <> 'qualified'
            then 'at scoring: ' || leads.qualification_status || ', tier ' || coalesce(leads.tier, 'none')
          when holds.reason is not null
            then 'at the guard: ' || holds.reason || coalesce(' until ' || holds.until, '')
          when messages.lead_id is null then 'at outreach: in no audience'
          when messages.is_sent then 'written to'
          when messages.is_approved then 'at the mailbox: approved, not sent yet'
          when messages.is_planned then 'at approval: planned, nobody has approved it'
          else 'at the guard: ' || coalesce(messages.skip_reason, 'nothing is planned') end as "text"
      from marts.fct_scored_leads as leads left join messages on messages.lead_id = leads.lead_id
      left join ${holds} as holds on holds.lead_id = leads.lead_id
      where leads.lead_id ${among(lead_ids)}
      union all
      select null, company_id || ': at the ideal customer profile, refused'
      from marts.dim_companies where company_id ${among(company_ids)} and is_icp_match = false
      order by "text"`,
  )
  return { name: 'gate', title: 'the gate where it stands now', lines }
}
