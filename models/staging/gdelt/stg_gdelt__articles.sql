-- One row per article that GDELT saw about a company.

with

source as (

    select * from {{ source('gdelt', 'articles') }}

),

renamed as (

    select
        -- ids
        subject_id,
        url,

        -- strings
        nullif(trim(title), '') as title,
        nullif(trim(domain), '') as publisher,

        -- booleans
        in_title as is_in_title,

        -- dates and timestamps
        seen_on as published_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
