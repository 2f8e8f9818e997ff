-- One row per person whose lead is not disqualified, as a CRM wants it that keeps people and their company in one record.

with

deals as (

    select * from {{ ref('fct_deals') }} where contact_id is not null

),

companies as (

    select * from {{ ref('dim_companies') }}

),

contacts as (

    select * from {{ ref('dim_contacts') }}

),

final as (

    select
        -- ids
        deals.contact_id,
        deals.lead_id,
        deals.company_id,

        -- strings
        contacts.first_name,
        contacts.last_name,
        contacts.title,
        contacts.email,
        contacts.phone,
        coalesce(companies.name, companies.domain) as company_name,
        companies.domain,
        companies.industry,
        companies.city,
        companies.state,
        companies.country,
        deals.tier,
        deals.qualification_status,
        deals.owner,
        deals.deal_brief,

        -- numerics
        companies.employee_count,
        companies.revenue_usd,
        deals.score

    from deals

    join contacts on contacts.contact_id = deals.contact_id

    join companies on companies.company_id = deals.company_id

)

select * from final
