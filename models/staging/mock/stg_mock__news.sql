-- One row per article that the mock found about a company.

with

source as (

    select * from {{ source('mock', 'news') }}

),

renamed as (

    select
        -- ids
        subject_id,
        url,

        -- strings
        nullif(trim(title), '') as title,
        nullif(trim(source), '') as publisher,

        -- dates and timestamps
        published_at as published_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
