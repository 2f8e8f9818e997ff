-- One row per technology that the mock saw at a company.

with

source as (

    select * from {{ source('mock', 'tech_stack') }}

),

renamed as (

    select
        -- ids
        subject_id,

        -- strings
        nullif(trim(name), '') as technology,
        nullif(trim(category), '') as category,

        -- dates and timestamps
        first_seen as first_seen_on,
        last_seen as last_seen_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
