-- One row per company: what the mock says of its size.

with

source as (

    select * from {{ source('mock', 'firmographics') }}

),

renamed as (

    select
        -- ids
        subject_id,

        -- strings
        nullif(trim(funding_stage), '') as funding_stage,

        -- numerics
        case when employee_count > 0 then employee_count end as employee_count,
        case when revenue_usd > 0 then revenue_usd end as revenue_usd,

        -- timestamps
        _fetched_at as fetched_at

    from source

)

select * from renamed
