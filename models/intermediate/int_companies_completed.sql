-- One row per company: the golden record with what enrichment found out about it.

with

companies as (

    select * from {{ ref('int_companies_merged') }}

),

contested as (

    select * from {{ ref('int_company_values_contested') }} where position = 1

),

found as (

    select
        company_id,
        max(value) filter (where field = 'website') as website,
        max(value) filter (where field = 'domain') as domain,
        max(value) filter (where field = 'cnpj') as cnpj,
        max(value) filter (where field = 'linkedin_url') as linkedin_url,
        max(value) filter (where field = 'industry') as industry,
        max(value) filter (where field = 'cnae_code') as cnae_code,
        max(value) filter (where field = 'country') as country,
        max(value) filter (where field = 'state') as state,
        max(value) filter (where field = 'city') as city,
        max(try_cast(value as integer)) filter (where field = 'employee_count') as employee_count,
        max(try_cast(value as double)) filter (where field = 'revenue_usd') as revenue_usd,
        max(try_cast(value as integer)) filter (where field = 'founded_year') as founded_year,
        max(value) filter (where field = 'funding_stage') as funding_stage,
        max(value) filter (where field = 'phone') as phone,
        max(value) filter (where field = 'registration_status') as registration_status

    from contested

    group by company_id

),

completed as (

    select
        companies.* replace (
            coalesce(found.website, companies.website) as website,
            coalesce(found.domain, companies.domain) as domain,
            coalesce(found.cnpj, companies.cnpj) as cnpj,
            coalesce(left(found.cnpj, 8), companies.cnpj_root) as cnpj_root,
            coalesce(found.linkedin_url, companies.linkedin_url) as linkedin_url,
            coalesce(found.industry, companies.industry) as industry,
            coalesce(found.cnae_code, companies.cnae_code) as cnae_code,
            coalesce(found.country, companies.country) as country,
            coalesce(found.state, companies.state) as state,
            coalesce(found.city, companies.city) as city,
            coalesce(found.employee_count, companies.employee_count) as employee_count,
            coalesce(found.revenue_usd, companies.revenue_usd) as revenue_usd,
            coalesce(found.founded_year, companies.founded_year) as founded_year,
            coalesce(found.funding_stage, companies.funding_stage) as funding_stage,
            coalesce(found.phone, companies.phone) as phone,
            coalesce(found.registration_status, companies.registration_status) as registration_status
        )

    from companies

    left join found on found.company_id = companies.company_id

)

select * from completed
