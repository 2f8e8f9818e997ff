-- One row per message or task, in its latest state.

with

source as (

    select * from {{ source('outreach', 'events') }}

),

renamed as (

    select
        -- ids
        event_id,
        lead_id,
        contact_id,
        step_id,
        message_id,
        token,

        -- strings
        channel,
        sequence,
        sequence_version,
        variant,
        status,
        response_type,
        mailbox,
        subject,
        body,
        skip_reason,
        approved_by,
        address,
        language,
        content_hash,
        response,
        pinned as is_pinned,

        -- numerics
        sequence_step,
        attempts,

        -- dates and timestamps
        planned_at,
        approved_at,
        sent_at,
        responded_at,
        claimed_at,
        next_attempt_at

    from source

)

select * from renamed
