-- One row per registration number that a site shows.

with

source as (

    select * from {{ source('builtwith', 'registrations') }}

),

renamed as (

    select
        -- ids
        subject_id,
        type,
        number,

        -- strings
        case when type ilike '%cnpj%' then upper(regexp_replace(number, '[^0-9A-Za-z]', '', 'g')) end as cnpj,

        -- dates and timestamps
        _fetched_at as fetched_at

    from source

)

select * from renamed
