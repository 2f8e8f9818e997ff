-- One row per person bought from Apollo, with the address if it knows one.

with

source as (

    select * from {{ source('apollo', 'matches') }}

),

renamed as (

    select
        -- ids
        subject_id,
        id as contact_key,

        -- strings
        nullif(trim(name), '') as full_name,
        nullif(trim(title), '') as title,
        lower(nullif(trim(email), '')) as email,
        case
            when nullif(trim(email), '') is null then null
            when email_status = 'verified' then 'valid'
            when email_status in ('likely to engage', 'extrapolated', 'guessed') then 'risky'
            when email_status = 'unavailable' then 'invalid'
            else 'unknown'
        end as status,
        nullif(trim(linkedin_url), '') as linkedin_url,

        -- dates and timestamps
        _fetched_at as fetched_at

    from source

)

select * from renamed
