-- One row per message that was taken in from data/incoming.

with

source as (

    select * from {{ source('ledger', 'incoming') }}

),

renamed as (

    select
        -- ids
        id as message_id,
        run_id,

        -- strings
        kind,
        body,

        -- dates and timestamps
        "at" as sent_at

    from source

)

select * from renamed
