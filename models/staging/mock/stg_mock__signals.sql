-- One row per buying signal that the mock knows of a company.

with

source as (

    select * from {{ source('mock', 'signals') }}

),

renamed as (

    select
        -- ids
        subject_id,
        id as signal_key,

        -- strings
        lower(nullif(trim(kind), '')) as kind,
        nullif(trim(evidence), '') as evidence,
        nullif(trim(url), '') as url,

        -- dates and timestamps
        observed_at as observed_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
