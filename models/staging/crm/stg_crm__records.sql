-- One row per record of a CRM as it was last pulled, those that are gone included: what hangs on them still tells something.

with

source as (

    select * from {{ source('crm', 'records') }}

),

renamed as (

    select
        -- ids
        crm_id,
        record_id,
        merged_into,

        -- strings
        crm,
        object,
        kind,
        fields,
        facts,
        links,

        -- numbers
        _load as load_id,

        -- booleans
        coalesce(deleted, false) as is_gone,
        coalesce(is_taken_up, false) as is_taken_up,

        -- dates and timestamps
        modified_at

    from source

)

select * from renamed
