-- One row per lead, flat: what a list of leads shows, filters and sorts by.

with

scored as (

    select * from {{ ref('fct_scored_leads') }}

),

enriched as (

    select * from {{ ref('fct_enriched_leads') }}

),

companies as (

    select * from {{ ref('dim_companies') }}

),

contacts as (

    select * from {{ ref('dim_contacts') }}

),

acts as (

    select * from {{ ref('lead_acts') }}

),

final as (

    select
        scored.lead_id,
        scored.company_id,
        scored.contact_id,
        companies.name as company_name,
        companies.domain,
        companies.industry,
        companies.country,
        companies.state,
        companies.country as segment,
        companies.employee_count,
        contacts.full_name,
        contacts.title,
        contacts.seniority,
        contacts.department,
        enriched.email,
        contacts.phone,
        scored.score,
        scored.fit_score,
        scored.intent_score,
        scored.tier,
        scored.qualification_status,
        coalesce(acts.assigned_to, scored.owner) as owner,
        acts.snoozed_until,
        enriched.enrichment_completeness,
        enriched.discovered_at,
        enriched.enriched_at,
        scored.scored_at,
        lower(strip_accents(concat_ws(' ', companies.name, companies.domain, contacts.full_name, contacts.title, enriched.email))) as search_text

    from scored

    join enriched on enriched.lead_id = scored.lead_id

    join companies on companies.company_id = scored.company_id

    left join contacts on contacts.contact_id = scored.contact_id

    left join acts on acts.lead_id = scored.lead_id

)

select * from final
