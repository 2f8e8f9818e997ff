-- One row per company and provider that sells profiles: what its profile says of the columns of the golden record.

with

apollo_organizations as (

    select * from {{ ref('int_apollo__organizations') }}

),

crunchbase_companies as (

    select * from {{ ref('int_crunchbase__companies') }} where subject_id is not null

),

mock_firmographics as (

    select * from {{ ref('stg_mock__firmographics') }}

),

unioned as (

    select
        'apollo' as source,
        subject_id,
        employee_count,
        revenue_usd,
        funding_stage,
        founded_year,
        industry,
        country,
        city,
        linkedin_url,
        fetched_at

    from apollo_organizations

    union all by name

    select
        'crunchbase' as source,
        subject_id,
        employee_count,
        revenue_usd,
        funding_stage,
        founded_year,
        country,
        city,
        linkedin_url,
        fetched_at

    from crunchbase_companies

    union all by name

    select 'mock' as source, subject_id, employee_count, revenue_usd, funding_stage, fetched_at
    from mock_firmographics

)

select * from unioned
