-- One row per person, domain, legal entity or company that is never to be touched: the last word on it was `add`.

with

incoming as (

    select * from {{ ref('stg_ledger__incoming') }} where kind = 'suppress'

),

-- of one, or of a whole list
listed as (

    select
        *,
        unnest(coalesce(
            from_json(body -> '$.entries', '[{"by": "VARCHAR", "value": "VARCHAR"}]'),
            [{'by': body ->> '$.by', 'value': body ->> '$.value'}]
        )) as entry

    from incoming

),

parsed as (

    select
        -- ids
        message_id,

        -- strings
        body ->> '$.action' as action,
        entry.by as suppressed_by,
        entry.value as suppressed_value,
        body ->> '$.reason' as reason,

        -- dates and timestamps
        sent_at

    from listed

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
