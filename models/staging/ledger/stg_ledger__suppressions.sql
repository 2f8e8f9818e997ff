-- One row per person, domain, legal entity or company that is never to be touched: the last word on it was `add`.

with

incoming as (

    select * from {{ ref('stg_ledger__incoming') }} where kind = 'suppress'

),

parsed as (

    select
        -- ids
        message_id,

        -- strings
        body ->> '$.action' as action,
        body ->> '$.by' as suppressed_by,
        body ->> '$.value' as suppressed_value,
        body ->> '$.reason' as reason,

        -- dates and timestamps
        sent_at

    from incoming

),

latest as (

    select *

    from parsed

    qualify row_number() over (
        partition by suppressed_by, suppressed_value
        order by sent_at desc, message_id desc
    ) = 1

),

standing as (

    select suppressed_by, suppressed_value, reason, sent_at as since from latest where action = 'add'

)

select * from standing
