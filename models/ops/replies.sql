-- One row per message that came back, the latest first to be looked at; without a lead where it is about none of ours.

with

replies as (

    select * from {{ ref('stg_outreach__replies') }}

),

final as (

    select
        -- ids
        reply_id,
        event_id,
        lead_id,

        -- strings
        class,
        sentiment,
        bounce_kind,
        status,
        reason,
        language,
        matched_by,
        via,
        mailbox,

        -- booleans
        event_id is not null as is_matched,

        -- dates and timestamps
        again_on,
        received_at

    from replies

)

select * from final
