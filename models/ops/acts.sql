-- One row per message of a person or a service that was taken in: what, when, by whom, on what.

with

messages as (

    select * from {{ ref('stg_ledger__incoming') }}

),

read as (

    select
        message_id,
        kind,
        sent_at,
        body ->> 'by' as by,
        list_filter(
            list_concat(
                body ->> '$.messages[*].event_id',
                body ->> '$.events[*]',
                [body ->> 'event_id', body ->> 'item_id', body ->> 'lead_id']
            ),
            lambda id: id is not null
        ) as subject_ids

    from messages

),

final as (

    select
        message_id,
        kind,
        sent_at,
        read.by,
        subject_ids[1] as subject_id,
        subject_ids

    from read

)

select * from final
