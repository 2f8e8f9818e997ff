-- One row per article that Apollo found about a company.

with

source as (

    select * from {{ source('apollo', 'news_articles') }}

),

renamed as (

    select
        -- ids
        subject_id,
        id as article_key,

        -- strings
        nullif(trim(url), '') as url,
        nullif(trim(title), '') as title,
        nullif(trim(domain), '') as publisher,
        event_categories as categories,

        -- dates and timestamps
        try_cast(left(published_at, 10) as date) as published_on,
        _fetched_at as fetched_at

    from source

    where nullif(trim(url), '') is not null

)

select * from renamed
