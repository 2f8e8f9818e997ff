-- From companies found to answers: how many are left at every step, by country.

with

companies as (

    select * from {{ ref('dim_companies') }}

),

leads as (

    select * from {{ ref('fct_enriched_leads') }}

),

scores as (

    select * from {{ ref('fct_scored_leads') }}

),

events as (

    select * from {{ ref('fct_outreach_events') }}

),

touched as (

    select
        lead_id,
        bool_or(status not in ('rejected', 'skipped')) as is_planned,
        bool_or(sent_at is not null) as is_sent,
        bool_or(responded_at is not null) as has_responded,
        bool_or(response_type in ('interested', 'meeting')) as is_interested

    from events

    group by lead_id

),

counted as (

    select
        coalesce(companies.country, 'unknown') as country,
        count(distinct companies.company_id) as companies_found,
        count(distinct companies.company_id) filter (where companies.is_icp_match) as companies_that_fit,
        count(leads.lead_id) as leads,
        count(leads.email) as leads_with_email,
        count(*) filter (where scores.qualification_status = 'qualified') as qualified,
        count(*) filter (where touched.is_planned) as with_outreach,
        count(*) filter (where touched.is_sent) as contacted,
        count(*) filter (where touched.has_responded) as responded,
        count(*) filter (where touched.is_interested) as interested

    from companies

    left join leads on leads.company_id = companies.company_id

    left join scores on scores.lead_id = leads.lead_id

    left join touched on touched.lead_id = leads.lead_id

    group by all

    order by companies_found desc, country

)

select * from counted
