-- One row per technology that a site began or ceased to use.

with

source as (

    select * from {{ source('builtwith', 'changes') }}

),

renamed as (

    select
        -- ids
        subject_id,

        -- strings
        lower(type) as change,
        technology,
        nullif(trim(tag), '') as tag,

        -- dates and timestamps
        try_cast(left(first_seen_utc, 10) as date) as seen_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
