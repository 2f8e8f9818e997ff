-- One row per company that Hunter lists for the ICP.

with

source as (

    select * from {{ source('hunter', 'companies') }}

),

renamed as (

    select
        -- ids
        lower(domain) as domain,

        -- strings
        nullif(trim(organization), '') as company_name,

        -- numerics
        personal_emails,

        -- dates and timestamps
        _fetched_at as fetched_at

    from source

)

select * from renamed
