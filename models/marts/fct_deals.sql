-- One row per lead that is not disqualified, as a CRM wants it: with a name, and an amount where one is known.

with

leads as (

    select * from {{ ref('fct_scored_leads') }}

),

companies as (

    select * from {{ ref('dim_companies') }}

),

contacts as (

    select * from {{ ref('dim_contacts') }}

),

owned as (

    select * from {{ ref('int_companies_owned') }}

),

sizes as (

    select * from {{ ref('deal_sizes') }}

),

final as (

    select
        -- ids
        leads.lead_id,
        leads.company_id,
        leads.contact_id,

        -- strings
        concat_ws(' – ', coalesce(companies.name, companies.domain), contacts.full_name) as deal_name,
        sizes.segment,
        leads.tier,
        leads.qualification_status,
        coalesce(leads.owner, owned.owner) as owner,
        leads.deal_brief,

        -- numerics
        leads.score,
        sizes.usd_per_year as amount_usd,

        -- dates and timestamps
        cast(leads.scored_at as date) + {{ var('days_to_close', 90) }} as close_on,
        leads.scored_at

    from leads

    inner join companies on companies.company_id = leads.company_id

    left join contacts on contacts.contact_id = leads.contact_id

    left join owned on owned.company_id = leads.company_id

    left join sizes
        on companies.employee_count >= sizes.from_employees
        and (sizes.to_employees is null or companies.employee_count <= sizes.to_employees)

    where leads.qualification_status <> 'disqualified'

)

select * from final
