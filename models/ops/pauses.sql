-- One row per message that paused or resumed something: what is in force follows from their order.

with

messages as (

    select * from {{ ref('stg_ledger__incoming') }}

),

final as (

    select message_id, kind, sent_at, cast(body as varchar) as body from messages where kind in ('pause', 'resume')

)

select * from final
