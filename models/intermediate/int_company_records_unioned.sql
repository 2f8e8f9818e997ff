-- One row per company record of every source, in one shape, as each source spells it.

with

apollo_companies as (

    select * from {{ ref('stg_apollo__companies') }}

),

companies_listed as (

    select * from {{ ref('int_companies_listed') }}

),

crunchbase_companies as (

    select * from {{ ref('int_crunchbase__companies') }}

),

mock_companies as (

    select * from {{ ref('stg_mock__companies') }}

),

receita_federal_companies as (

    select * from {{ ref('int_receita_federal__companies') }}

),

unioned as (

    select
        'mock' as source,
        company_key as source_key,
        false as is_bulk,
        company_name as name,
        website,
        domain,
        cnpj,
        linkedin_url,
        null::varchar as email_host,
        country,
        state,
        city,
        industry,
        cnae_code,
        employee_count,
        revenue_amount,
        revenue_currency,
        founded_year,
        funding_stage,
        technologies,
        phone,
        null::varchar as status,
        updated_on as updated_at,
        fetched_at as discovered_at

    from mock_companies

    union all

    select
        'receita_federal' as source,
        cnpj_root as source_key,
        true as is_bulk,
        company_name as name,
        website,
        website as domain,
        cnpj,
        null as linkedin_url,
        email_host,
        country,
        state,
        city,
        null as industry,
        cnae_code,
        null as employee_count,
        null as revenue_amount,
        null as revenue_currency,
        founded_year,
        null as funding_stage,
        null as technologies,
        phone,
        registration_status as status,
        fetched_at::date as updated_at,
        fetched_at as discovered_at

    from receita_federal_companies

    union all by name

    select
        'apollo' as source,
        company_key as source_key,
        false as is_bulk,
        company_name as name,
        website,
        domain,
        linkedin_url,
        founded_year,
        phone,
        fetched_at::date as updated_at,
        fetched_at as discovered_at

    from apollo_companies

    union all by name

    select
        'crunchbase' as source,
        company_key as source_key,
        false as is_bulk,
        company_name as name,
        website,
        website as domain,
        linkedin_url,
        country,
        city,
        case when len(categories) > 0 then categories[1] end as industry,
        employee_count,
        revenue_usd as revenue_amount,
        case when revenue_usd is not null then 'USD' end as revenue_currency,
        founded_year,
        funding_stage,
        coalesce(updated_on, fetched_at::date) as updated_at,
        fetched_at as discovered_at

    from crunchbase_companies

    where subject_id is null

    union all by name

    select * from companies_listed

)

select * from unioned
