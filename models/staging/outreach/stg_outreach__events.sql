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

        -- numerics
        sequence_step,

        -- dates and timestamps
        planned_at,
        approved_at,
        sent_at,
        responded_at

    from source

)

select * from renamed
