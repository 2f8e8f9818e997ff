-- One row per company: what the mock saw on its pages.

with

source as (

    select * from {{ source('mock', 'social') }}

),

renamed as (

    select
        -- ids
        subject_id,

        -- numerics
        linkedin_followers,
        posts_90d,

        -- dates and timestamps
        last_post_at as last_post_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
