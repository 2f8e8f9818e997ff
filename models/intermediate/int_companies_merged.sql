-- One row per company: for every field the value that is believed among all its records.

with

company_values as (

    select * from {{ ref('int_company_values_ranked') }} where position = 1

),

identified as (

    select * from {{ ref('int_companies_identified') }}

),

records as (

    select * from {{ ref('int_company_records') }}

),

believed as (

    select
        company_id,
        max(value) filter (where field = 'name') as name,
        max(value) filter (where field = 'website') as website,
        max(value) filter (where field = 'domain') as domain,
        max(value) filter (where field = 'cnpj') as cnpj,
        max(value) filter (where field = 'linkedin_url') as linkedin_url,
        max(value) filter (where field = 'industry') as industry,
        max(value) filter (where field = 'cnae_code') as cnae_code,
        max(value) filter (where field = 'country') as country,
        max(value) filter (where field = 'state') as state,
        max(value) filter (where field = 'city') as city,
        max(value) filter (where field = 'employee_count')::integer as employee_count,
        max(value) filter (where field = 'revenue_usd')::double as revenue_usd,
        max(value) filter (where field = 'founded_year')::integer as founded_year,
        max(value) filter (where field = 'funding_stage') as funding_stage,
        max(value) filter (where field = 'phone') as phone,
        max(value) filter (where field = 'registration_status') as registration_status

    from company_values

    group by company_id

),

technologies as (

    select company_id, list(technology order by lower(technology)) as tech_stack

    from (
        select company_id, min(trim(technology)) as technology

        from (
            select identified.company_id, unnest(records.technologies) as technology

            from records

            join identified
                on identified.source = records.source
                and identified.source_key = records.source_key
        )

        where trim(technology) <> ''

        group by company_id, lower(trim(technology))
    )

    group by company_id

),

origins as (

    select
        company_id,
        min(since) as discovered_at,
        arg_min(source, (since, source, source_key)) as source,
        list(distinct source order by source) as sources,
        count(*)::integer as record_count

    from identified

    group by company_id

),

merged as (

    select
        origins.company_id,
        believed.* exclude (company_id),
        left(believed.cnpj, 8) as cnpj_root,
        technologies.tech_stack,
        origins.source,
        origins.sources,
        origins.record_count,
        origins.discovered_at

    from origins

    left join believed on believed.company_id = origins.company_id

    left join technologies on technologies.company_id = origins.company_id

)

select * from merged
