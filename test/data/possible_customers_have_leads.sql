-- A company that may fit the ICP, and is not closed, has at least one lead.

with

companies as (

    select * from {{ ref('dim_companies') }}

),

leads as (

    select * from {{ ref('fct_enriched_leads') }}

),

offending as (

    select companies.company_id

    from companies

    anti join leads on leads.company_id = companies.company_id

    where companies.is_icp_match is not false
        and coalesce(companies.registration_status, 'active') not in ('closed', 'void')

)

select * from offending
