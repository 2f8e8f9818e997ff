-- One row per phone number of a person bought from Apollo.

with

source as (

    select * from {{ source('apollo', 'phones') }}

),

renamed as (

    select
        -- ids
        subject_id,
        id as phone_key,

        -- strings
        coalesce(nullif(trim(sanitized_number), ''), nullif(trim(raw_number), '')) as phone,
        lower(nullif(trim(type_cd), '')) as kind,
        lower(nullif(trim(status_cd), '')) as status,
        lower(nullif(trim(confidence_cd), '')) as confidence,
        lower(nullif(trim(dnc_status_cd), '')) as do_not_call_status,

        -- dates and timestamps
        _fetched_at as fetched_at

    from source

)

select * from renamed
