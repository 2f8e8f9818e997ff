-- One row per person whose e-mail Hunter was asked for: the address and how it was verified.

with

source as (

    select * from {{ source('hunter', 'emails') }}

),

renamed as (

    select
        -- ids
        subject_id,

        -- strings
        lower(nullif(trim(email), '')) as email,
        case
            when status in ('valid', 'invalid') then status
            when status = 'disposable' then 'invalid'
            when status in ('accept_all', 'webmail') then 'risky'
            when email is not null then 'unknown'
        end as status,
        nullif(trim(phone_number), '') as phone,
        nullif(trim(linkedin_url), '') as linkedin_url,

        -- numerics
        score / 100.0 as confidence,

        -- booleans
        coalesce(status = 'claimed', false) as is_claimed,

        -- dates and timestamps
        _fetched_at as fetched_at

    from source

)

select * from renamed
