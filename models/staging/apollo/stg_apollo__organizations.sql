-- One row per company that Apollo was asked about, with all that it knows.

with

source as (

    select * from {{ source('apollo', 'organizations') }}

),

renamed as (

    select
        -- ids
        subject_id,
        id as company_key,

        -- strings
        nullif(trim(linkedin_url), '') as linkedin_url,
        nullif(trim(industry), '') as industry,
        nullif(trim(city), '') as city,
        nullif(trim(state), '') as state,
        nullif(trim(country), '') as country_name,
        lower(nullif(trim(regexp_replace(latest_funding_stage, '[^A-Za-z0-9]+', '_', 'g'), '_'), '')) as funding_stage,

        -- numerics
        case when estimated_num_employees > 0 then estimated_num_employees end::integer as employee_count,
        case when annual_revenue > 0 then annual_revenue end as revenue_usd,
        total_funding as total_funding_usd,
        founded_year,

        -- lists
        funding_events,
        current_technologies as technologies,

        -- dates and timestamps
        try_cast(left(latest_funding_round_date, 10) as date) as funded_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
