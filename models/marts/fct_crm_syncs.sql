-- One row per record of ours in a CRM: what the last sync did with it, or would do.

with

outcomes as (

    select * from {{ ref('stg_sync__outcomes') }}

),

final as (

    select
        -- ids
        sync_id,
        object,
        record_id,
        crm,
        crm_id,

        -- strings
        operation,
        status,
        changed_fields,
        error,
        code,
        property,

        -- timestamps
        synced_at

    from outcomes

)

select * from final
