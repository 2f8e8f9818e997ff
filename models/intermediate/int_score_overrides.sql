-- One row per lead whose score or tier a person has set, and not for a time that is over: the latest word holds.

with

messages as (

    select * from {{ ref('stg_ledger__incoming') }}

    where kind = 'score_override'

),

said as (

    select
        message_id,
        body ->> 'lead_id' as lead_id,
        try_cast(body ->> 'score' as decimal(9, 4)) as override_score,
        upper(body ->> 'tier') as override_tier,
        nullif(trim(body ->> 'reason'), '') as override_reason,
        try_cast(body ->> 'until' as date) as override_until,
        sent_at

    from messages

),

latest as (

    select *

    from said

    qualify row_number() over (partition by lead_id order by sent_at desc, message_id desc) = 1

),

overrides as (

    select
        lead_id,
        case when override_score between 0 and 100 then override_score end as override_score,
        override_tier,
        override_reason,
        override_until,
        sent_at as override_at

    from latest

    where lead_id is not null
        and override_reason is not null
        and (override_score is not null or override_tier is not null)
        and override_until >= as_of()

)

select * from overrides
