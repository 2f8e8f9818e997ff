-- One row per company that Hunter was asked about: its size, where it is, its technologies.

with

source as (

    select * from {{ source('hunter', 'organizations') }}

),

cut as (

    select
        *,
        regexp_extract_all(replace(employees, ',', ''), '\d+') as sizes

    from source

),

renamed as (

    select
        -- ids
        subject_id,

        -- strings
        nullif(trim(phone), '') as phone,
        'https://www.linkedin.com/' || nullif(trim(linkedin), '') as linkedin_url,
        lower(replace(stages[-1], ' ', '_')) as funding_stage,
        nullif(trim(employees), '') as employee_range,
        nullif(trim(estimated_revenue), '') as revenue_range,
        list_transform(tech, lambda name: replace(name, '_', ' ')) as technologies,

        -- numerics
        -- the middle of `51-200`; of `10001+`, what it is more than
        case when len(sizes) > 0 then round((sizes[1]::integer + sizes[-1]::integer) / 2.0) end::integer as employee_count,
        case when annual_revenue > 0 then annual_revenue end as revenue_usd,
        case when founded_year > 0 then founded_year end as founded_year,

        -- dates and timestamps
        try_cast(left(indexed_at, 10) as date) as seen_on,
        _fetched_at as fetched_at

    from cut

)

select * from renamed
