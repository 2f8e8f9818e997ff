-- One row per field, provider and subject: the last time that provider was asked, and whether it knew.

with

source as (

    select * from {{ source('enrichment', 'asked') }}

),

renamed as (

    select
        -- ids
        subject_id,

        -- strings
        field,
        provider,

        -- booleans
        hit as is_hit,

        -- dates
        asked_on

    from source

)

select * from renamed
