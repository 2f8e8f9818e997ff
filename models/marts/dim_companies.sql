-- One row per company.

with

companies as (

    select * from {{ ref('int_companies_completed') }}

),

matches as (

    select * from {{ ref('int_icp_matches_summarized') }}

),

final as (

    select
        -- ids
        companies.company_id,
        companies.domain,
        companies.cnpj,
        companies.cnpj_root,

        -- strings
        companies.name,
        companies.industry,
        companies.cnae_code,
        companies.country,
        companies.state,
        companies.city,
        companies.website,
        companies.linkedin_url,
        companies.phone,
        companies.tech_stack,
        companies.funding_stage,
        companies.registration_status,
        companies.source,
        companies.sources,
        matches.icp_profiles,

        -- numerics
        companies.employee_count,
        companies.revenue_usd,
        companies.founded_year,

        -- booleans
        matches.is_icp_match,

        -- timestamps
        companies.discovered_at

    from companies

    left join matches on matches.company_id = companies.company_id

)

select * from final
