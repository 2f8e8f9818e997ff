-- One row per company of the mock's lists, latest version seen. The same company may stand in both lists.

with

source as (

    select * from {{ source('mock', 'companies') }}

),

renamed as (

    select
        -- ids
        id as company_key,
        nullif(trim(cnpj), '') as cnpj,

        -- strings
        list as list_name,
        nullif(trim(name), '') as company_name,
        nullif(trim(website), '') as website,
        nullif(trim(domain), '') as domain,
        nullif(trim(linkedin_url), '') as linkedin_url,
        lower(nullif(trim(industry), '')) as industry,
        nullif(trim(cnae_code), '') as cnae_code,
        upper(nullif(trim(country), '')) as country,
        upper(nullif(trim(state), '')) as state,
        nullif(trim(city), '') as city,
        lower(nullif(trim(funding_stage), '')) as funding_stage,
        technologies,
        nullif(trim(phone), '') as phone,

        -- numerics
        employee_count,
        revenue_amount,
        upper(nullif(trim(revenue_currency), '')) as revenue_currency,
        founded_year,

        -- dates and timestamps
        updated_at as updated_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
