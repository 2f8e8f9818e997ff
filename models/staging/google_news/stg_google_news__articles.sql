-- One row per item of Google News about a company.

with

source as (

    select * from {{ source('google_news', 'articles') }}

),

renamed as (

    select
        -- ids
        subject_id,
        link as url,

        -- strings
        nullif(trim(title), '') as title,
        nullif(trim(source), '') as publisher,

        -- booleans
        in_title as is_in_title,

        -- dates and timestamps
        published as published_on,
        _fetched_at as fetched_at

    from source

    qualify row_number() over (partition by subject_id, link order by _fetched_at desc, guid) = 1

)

select * from renamed
