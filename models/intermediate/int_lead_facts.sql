-- One row per lead: every fact that a scorecard, a brief or a sequence may read. Unknown is NULL.

with

leads as (

    select * from {{ ref('fct_enriched_leads') }}

),

companies as (

    select * from {{ ref('dim_companies') }}

),

contacts as (

    select * from {{ ref('dim_contacts') }}

),

personas as (

    select * from {{ ref('int_leads_matched') }}

),

matches as (

    select * from {{ ref('int_icp_matches_summarized') }}

),

enriched as (

    select * from {{ ref('int_companies_enriched') }}

),

signals as (

    select * from {{ ref('int_company_signals_summarized') }}

),

news as (

    select * from {{ ref('int_company_news_summarized') }}

),

overrides as (

    select * from {{ ref('int_score_overrides') }}

),

facts as (

    select
        -- ids
        leads.lead_id,
        leads.company_id,
        leads.contact_id,

        -- the company
        companies.country as segment,
        companies.name as company_name,
        companies.domain,
        companies.industry,
        companies.country,
        companies.state,
        companies.city,
        companies.employee_count,
        companies.revenue_usd,
        companies.funding_stage,
        companies.founded_year,
        companies.cnae_code,
        enriched.tech_stack,
        greatest(companies.discovered_at, leads.enriched_at) as company_seen_at,
        enriched.tech_wanted_found,
        enriched.tech_stack_gaps as tech_gaps,
        enriched.tech_unwanted_found,

        -- the ICP
        companies.is_icp_match,
        companies.icp_profiles,
        matches.icp_failed_rules,
        matches.icp_soft_met,
        matches.icp_soft_total,
        matches.icp_employees_min,
        matches.icp_employees_max,
        matches.icp_revenue_min,
        matches.icp_revenue_max,

        -- the person
        contacts.full_name,
        contacts.title,
        contacts.seniority,
        contacts.department,
        personas.persona,
        leads.email,
        -- an address that nobody has checked, or that could not be, may still turn out to be either
        nullif(leads.email_status, 'unknown') as email_status,
        contacts.phone,
        contacts.linkedin_url,
        greatest(contacts.discovered_at, leads.enriched_at) as contact_seen_at,

        -- what happens there
        signals.* exclude (company_id, buying_signals, sources, fetched_at),
        news.* exclude (company_id, news_mentions, sources, fetched_at),
        leads.social_signals.posts_90d as social_posts_90d,
        leads.social_signals.linkedin_followers as linkedin_followers,

        -- how much is known
        leads.enrichment_completeness,
        leads.enriched_at,
        overrides.* exclude (lead_id, override_at)

    from leads

    join companies on companies.company_id = leads.company_id

    left join contacts on contacts.contact_id = leads.contact_id

    left join personas on personas.lead_id = leads.lead_id

    left join matches on matches.company_id = leads.company_id

    left join enriched on enriched.company_id = leads.company_id

    left join signals on signals.company_id = leads.company_id

    left join news on news.company_id = leads.company_id

    left join overrides on overrides.lead_id = leads.lead_id

)

select * from facts
