-- One row per company that Crunchbase listed for the ICP.

with

source as (

    select * from {{ source('crunchbase', 'organizations') }}

),

renamed as (

    select
        -- ids
        uuid as company_key,
        permalink,

        -- strings
        nullif(trim(name), '') as company_name,
        nullif(trim(website_url), '') as website,
        nullif(trim(linkedin_url), '') as linkedin_url,
        nullif(trim(city), '') as city,
        nullif(trim(region), '') as region,
        nullif(trim(country), '') as country_name,
        lower(coalesce(last_equity_funding_type, last_funding_type)) as funding_stage,
        operating_status,

        -- lists
        categories,

        -- numerics
        try_cast(regexp_extract(num_employees_enum, '^c_(\d+)_', 1) as integer) as employee_count_min,
        try_cast(regexp_extract(num_employees_enum, '^c_\d+_(\d+)$', 1) as integer) as employee_count_max,
        try_cast(regexp_extract(revenue_range, '^r_(\d+)$', 1) as bigint) * 1000 as revenue_usd_min,
        case revenue_range
            when 'r_00000000' then 1000000
            when 'r_00001000' then 10000000
            when 'r_00010000' then 50000000
            when 'r_00050000' then 100000000
            when 'r_00100000' then 500000000
            when 'r_00500000' then 1000000000
            when 'r_01000000' then 10000000000
        end::bigint as revenue_usd_max,
        funding_total_usd,
        year(try_cast(founded_on as date))::integer as founded_year,

        -- dates and timestamps
        try_cast(left(updated_at, 10) as date) as updated_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
