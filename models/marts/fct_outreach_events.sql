-- One row per message or task.

with

events as (

    select * from {{ ref('stg_outreach__events') }}

),

final as (

    select
        -- ids
        event_id,
        lead_id,
        contact_id,
        message_id,
        token,

        -- strings
        channel,
        sequence,
        sequence_version,
        sequence_step::integer as sequence_step,
        attempts::integer as attempts,
        step_id,
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
        is_pinned,

        -- timestamps
        planned_at,
        approved_at,
        sent_at,
        responded_at,
        claimed_at,
        next_attempt_at

    from events

)

select * from final
