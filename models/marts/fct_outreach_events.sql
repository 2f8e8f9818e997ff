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

        -- strings
        channel,
        sequence,
        sequence_version,
        sequence_step::integer as sequence_step,
        step_id,
        variant,
        status,
        response_type,
        mailbox,
        subject,
        body,
        skip_reason,
        approved_by,

        -- timestamps
        planned_at,
        approved_at,
        sent_at,
        responded_at

    from events

)

select * from final
