-- One row per job that a company advertised.

with

source as (

    select * from {{ source('apollo', 'job_postings') }}

),

renamed as (

    select
        -- ids
        subject_id,
        id as posting_key,

        -- strings
        nullif(trim(title), '') as title,
        nullif(trim(url), '') as url,
        nullif(concat_ws(', ', city, state, country), '') as place,

        -- dates and timestamps
        try_cast(left(posted_at, 10) as date) as posted_on,
        try_cast(left(last_seen_at, 10) as date) as last_seen_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
