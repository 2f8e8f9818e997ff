-- One row per lead: a company with one of its people, or alone while nobody there is known.

with

leads as (

    select * from {{ ref('int_leads_identified') }}

),

companies as (

    select * from {{ ref('dim_companies') }}

),

contacts as (

    select * from {{ ref('dim_contacts') }}

),

enriched as (

    select * from {{ ref('int_companies_enriched') }}

),

emails as (

    select * from {{ ref('int_contact_emails_chosen') }}

),

freshness as (

    select * from {{ ref('int_lead_freshness') }}

),

joined as (

    select
        leads.*,
        emails.email,
        emails.email_status,
        enriched.tech_stack_detected,
        enriched.tech_stack_gaps,
        enriched.buying_signals,
        enriched.social_signals,
        enriched.news_mentions,
        freshness.field_freshness,
        coalesce(freshness.stale_fields, []) as stale_fields,
        list_concat(enriched.sources, [emails.enrichment_source]) as sources,
        greatest(enriched.enriched_at, emails.enriched_at) as enriched_at,
        [
            companies.domain is not null,
            companies.industry is not null,
            companies.country is not null,
            companies.employee_count is not null,
            companies.revenue_usd is not null,
            enriched.tech_stack is not null and not list_contains(coalesce(freshness.stale_fields, []), 'tech_stack'),
            enriched.social_signals is not null and not list_contains(coalesce(freshness.stale_fields, []), 'social'),
            contacts.title is not null,
            contacts.linkedin_url is not null,
            emails.email is not null
            and emails.email_status <> 'invalid'
            and not list_contains(coalesce(freshness.stale_fields, []), 'email')
        ] as wanted_fields

    from leads

    join companies on companies.company_id = leads.company_id

    left join contacts on contacts.contact_id = leads.contact_id

    left join enriched on enriched.company_id = leads.company_id

    left join emails on emails.contact_id = leads.contact_id

    left join freshness on freshness.lead_id = leads.lead_id

),

final as (

    select
        -- ids
        lead_id,
        company_id,
        contact_id,

        -- strings and lists
        email,
        email_status,
        tech_stack_detected,
        tech_stack_gaps,
        buying_signals,
        social_signals,
        news_mentions,
        nullif(list_sort(list_distinct(sources)), []) as enrichment_sources,
        field_freshness,
        stale_fields,

        -- numerics
        len(list_filter(wanted_fields, lambda is_usable: is_usable)) / len(wanted_fields) as enrichment_completeness,

        -- timestamps
        discovered_at,
        enriched_at

    from joined

)

select * from final
