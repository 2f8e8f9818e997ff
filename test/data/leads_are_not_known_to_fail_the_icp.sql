-- No lead stands on a company that every profile of the ICP is known to refuse.

with

leads as (

    select * from {{ ref('fct_enriched_leads') }}

),

companies as (

    select * from {{ ref('dim_companies') }}

),

offending as (

    select leads.lead_id, leads.company_id

    from leads

    join companies on companies.company_id = leads.company_id

    where companies.is_icp_match = false

)

select * from offending
