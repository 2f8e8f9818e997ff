-- One row per CRM record: what the last sync did, or would do, with it.

with

source as (

    select * from {{ source('sync', 'outcomes') }}

),

renamed as (

    select
        -- ids
        sync_id,
        record_id,
        crm_id,

        -- strings
        crm,
        object,
        operation,
        status,
        changed_fields,
        written,
        error,
        code,
        property,

        -- numbers
        _load as load_id,

        -- dates and timestamps
        synced_at

    from source

)

select * from renamed
