-- One row per message of a person or a service that was taken in: what, when, by whom, on what.

with

messages as (

    select * from {{ ref('stg_ledger__incoming') }}

),

final as (

    select
        message_id,
        kind,
        sent_at,
        body ->> 'by' as by,
        coalesce(body ->> 'event_id', body ->> 'lead_id') as subject_id

    from messages

)

select * from final
