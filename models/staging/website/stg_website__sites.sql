-- One row per company whose site was looked at.

with

source as (

    select * from {{ source('website', 'sites') }}

),

renamed as (

    select
        -- ids
        subject_id,
        cnpj,

        -- strings
        lower(trim(domain)) as domain,
        outcome,
        url,
        technologies,
        cnpjs,

        -- numerics
        status,

        -- dates and timestamps
        _fetched_at as fetched_at

    from source

)

select * from renamed
