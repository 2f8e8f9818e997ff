-- One row per message that came back.

with

source as (

    select * from {{ source('outreach', 'replies') }}

),

renamed as (

    select
        -- ids
        reply_id,
        event_id,
        lead_id,

        -- strings
        via,
        mailbox,
        class,
        sentiment,
        bounce_kind,
        status,
        reason,
        language,
        matched_by,
        from_address,

        -- dates and timestamps
        again_on,
        received_at

    from source

)

select * from renamed
