-- One row per contact whose e-mail the mock was asked for: the address and how it was verified.

with

source as (

    select * from {{ source('mock', 'emails') }}

),

renamed as (

    select
        -- ids
        subject_id,

        -- strings
        lower(nullif(trim(email), '')) as email,
        lower(nullif(trim(status), '')) as status,

        -- dates and timestamps
        _fetched_at as fetched_at

    from source

)

select * from renamed
