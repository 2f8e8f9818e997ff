-- One row per variant of a step: how many answered, between which bounds that share lies, and whether that tells anything.

with

events as (

    select * from {{ ref('fct_outreach_events') }}

),

counted as (

    select
        sequence,
        step_id,
        channel,
        variant,
        count(*) filter (where status <> 'bounced') as delivered,
        count(*) filter (where status = 'bounced') as bounced,
        count(*) filter (where response_type is not null and response_type <> 'out_of_office') as answered,
        count(*) filter (where response_type in ('interested', 'meeting', 'referral')) as positive

    from events

    where variant is not null
        and sent_at is not null

    group by all

),

-- 95 of 100 for all comparisons of a step together (Bonferroni): the more variants, the wider each interval
spread as (

    select
        *,
        case count(*) over (partition by sequence, step_id)
            when 1 then 1.96
            when 2 then 1.96
            when 3 then 2.394
            when 4 then 2.498
            else 2.807
        end as z,
        sum(delivered) over (partition by sequence, step_id) - delivered as others_delivered,
        sum(answered) over (partition by sequence, step_id) - answered as others_answered

    from counted

),

shared as (

    select
        *,
        answered / nullif(delivered, 0) as p,
        others_answered / nullif(others_delivered, 0) as q

    from spread

),

-- Wilson's score intervals
bounded as (

    select
        *,
        (p + z * z / (2 * delivered) - z * sqrt(p * (1 - p) / delivered + z * z / (4 * delivered * delivered)))
        / (1 + z * z / delivered) as p_low,
        (p + z * z / (2 * delivered) + z * sqrt(p * (1 - p) / delivered + z * z / (4 * delivered * delivered)))
        / (1 + z * z / delivered) as p_high,
        (q + z * z / (2 * others_delivered) - z * sqrt(q * (1 - q) / others_delivered + z * z / (4 * others_delivered * others_delivered)))
        / (1 + z * z / others_delivered) as q_low,
        (q + z * z / (2 * others_delivered) + z * sqrt(q * (1 - q) / others_delivered + z * z / (4 * others_delivered * others_delivered)))
        / (1 + z * z / others_delivered) as q_high

    from shared

),

-- Newcombe's interval of the difference
final as (

    select
        sequence,
        step_id,
        channel,
        variant,
        delivered,
        bounced,
        answered,
        positive,
        round(p, 4) as answered_share,
        round(p_low, 4) as share_low,
        round(p_high, 4) as share_high,
        round(p - q - sqrt(pow(p - p_low, 2) + pow(q_high - q, 2)), 4) as difference_low,
        round(p - q + sqrt(pow(p_high - p, 2) + pow(q - q_low, 2)), 4) as difference_high,
        case
            when delivered < 100 or coalesce(others_delivered, 0) < 100 or answered + others_answered < 10
                then 'too few to tell'
            when p - q - sqrt(pow(p - p_low, 2) + pow(q_high - q, 2)) > 0 then 'better than the others'
            when p - q + sqrt(pow(p_high - p, 2) + pow(q - q_low, 2)) < 0 then 'worse than the others'
            else 'no difference shown'
        end as verdict

    from bounded

)

select * from final
