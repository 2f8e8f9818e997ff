-- One row per lead that is not disqualified, as a deal in a CRM would have it.

with

leads as (

    select * from {{ ref('fct_scored_leads') }} where qualification_status <> 'disqualified'

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

final as (

    select
        -- ids
        leads.lead_id,
        leads.company_id,
        leads.contact_id,

        -- strings
        concat_ws(' · ', coalesce(companies.name, companies.domain, leads.company_id), contacts.full_name) as name,
        leads.qualification_status,
        leads.tier,
        case
            when companies.employee_count >= 1000 then 'enterprise'
            when companies.employee_count >= 100 then 'mid_market'
            when companies.employee_count is not null then 'small_business'
        end as segment,
        coalesce(leads.owner, owned.owner) as owner,
        leads.deal_brief,

        -- numerics
        leads.score,

        -- dates
        last_day(as_of() + interval 3 month) as expected_close_date,

        -- timestamps
        leads.scored_at

    from leads

    left join companies on companies.company_id = leads.company_id

    left join contacts on contacts.contact_id = leads.contact_id

    left join owned on owned.company_id = leads.company_id

)

select * from final
