-- One row per record of a CRM that is still there, as it was last pulled.

with

source as (

    select * from {{ source('crm', 'records') }}

),

renamed as (

    select
        -- ids
        crm_id,
        record_id,

        -- strings
        crm,
        object,
        kind,
        fields,
        facts,
        links,

        -- dates and timestamps
        modified_at

    from source

    where not deleted

)

select * from renamed
