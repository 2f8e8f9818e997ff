-- Which rules of the ICP refuse how many companies, and how many of them by that rule alone? A rule that refuses much by
-- itself is worth a second look; one that refuses nothing by itself can go.

with

matches as (

    select * from {{ ref('icp_matches') }} where is_match = false

),

rules as (

    select company_id, profile, unnest(failed_rules) as rule, len(failed_rules) as rules_failed

    from matches

),

counted as (

    select
        profile,
        rule,
        count(*) as companies_refused,
        count(*) filter (where rules_failed = 1) as refused_by_this_alone

    from rules

    group by profile, rule

    order by profile, companies_refused desc, rule

)

select * from counted
