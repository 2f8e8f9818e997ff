-- One row per thing about the CRM that only a person can tell, as long as it is so.

with

source as (

    select * from {{ source('sync', 'questions') }}

),

renamed as (

    select
        -- ids
        item_id,
        record_id,

        -- strings
        kind,
        crm,
        object,
        property,
        ours,
        theirs,
        candidates

    from source

    where is_open

)

select * from renamed
