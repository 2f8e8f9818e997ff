-- Do higher tiers win more? Deals that were closed, by the cards and the tier that the lead had when the deal was opened.

with

outcomes as (

    select * from {{ ref('fct_lead_outcomes') }} where outcome <> 'open'

),

by_tier as (

    select
        score_version_then as score_version,
        tier_then as tier,
        count(*) as closed,
        count(*) filter (where outcome = 'won') as won,
        round(count(*) filter (where outcome = 'won') / count(*), 4) as win_rate,
        median(date_diff('day', opened_at, closed_at)) as median_days

    from outcomes

    group by all

)

select * from by_tier order by score_version, tier nulls last
