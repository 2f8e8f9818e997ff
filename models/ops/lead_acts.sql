-- One row per lead that somebody assigned or snoozed: the last word on each.

with

messages as (

    select * from {{ ref('stg_ledger__incoming') }} where kind in ('lead_assign', 'lead_snooze')

),

read as (

    select
        body ->> 'lead_id' as lead_id,
        body ->> 'owner' as owner,
        try_cast(body ->> 'until' as date) as until,
        kind,
        (sent_at, message_id) as said_at

    from messages

    where body ->> 'lead_id' is not null

),

final as (

    select
        lead_id,
        arg_max_null(owner, said_at) filter (where kind = 'lead_assign') as assigned_to,
        arg_max_null(until, said_at) filter (where kind = 'lead_snooze') as snoozed_until

    from read

    group by lead_id

)

select * from final
