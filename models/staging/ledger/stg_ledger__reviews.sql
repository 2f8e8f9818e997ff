-- One row per thing that a person was asked, or said unasked: what was decided last.

with

incoming as (

    select * from {{ ref('stg_ledger__incoming') }} where kind = 'review'

),

parsed as (

    select
        -- ids
        message_id as review_id,
        body ->> '$.item_id' as item_id,

        -- strings
        body ->> '$.kind' as kind,
        body ->> '$.decision' as decision,
        body ->> '$.by' as decided_by,
        body ->> '$.note' as note,
        body,

        -- dates and timestamps
        sent_at as decided_at

    from incoming

),

latest as (

    select *

    from parsed

    where item_id is not null and kind is not null and decision is not null

    qualify row_number() over (partition by kind, item_id order by decided_at desc, review_id desc) = 1

)

select * from latest
