-- One row per site that BuiltWith lists for a technology that the ICP wants.

with

source as (

    select * from {{ source('builtwith', 'companies') }}

),

renamed as (

    select
        -- ids
        lower(d) as domain,

        -- strings
        nullif(trim(company_name), '') as company_name,
        case upper(country) when 'UK' then 'GB' else upper(nullif(trim(country), '')) end as country,
        nullif(trim(state), '') as state,
        nullif(trim(city), '') as city,

        -- numerics: 0 is unknown
        nullif(e, 0)::integer as employee_count,
        nullif(r, 0) as revenue_usd,

        -- dates and timestamps
        make_timestamp((li * 1000000)::bigint)::date as last_seen_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
