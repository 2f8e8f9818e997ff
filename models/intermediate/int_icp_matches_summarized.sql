-- One row per company: what the profiles of the ICP make of it. True when one profile fits, false when all are known to fail,
-- NULL while one could still fit.

with

matches as (

    select * from {{ ref('icp_matches') }}

),

judged as (

    select
        company_id,
        case
            when bool_or(is_match) then true
            when count(is_match) = count(*) then false
        end as is_icp_match,
        list(profile order by profile) filter (where is_match) as matched_profiles,
        list_sort(list_distinct(flatten(list(failed_rules)))) as failed_rules

    from matches

    group by company_id

),

best as (

    select *

    from matches

    where is_match is not false

    qualify row_number() over (
        partition by company_id
        order by is_match desc nulls last, len(soft_met) desc nulls last, profile
    ) = 1

),

relevant as (

    select matches.*

    from matches

    join judged on judged.company_id = matches.company_id

    where matches.is_match is not false
        and (judged.is_icp_match is null or matches.is_match)

),

technologies as (

    select
        company_id,
        list_sort(list_distinct(flatten(list(coalesce(tech_wanted, []))))) as tech_wanted,
        list_sort(list_distinct(flatten(list(coalesce(tech_unwanted, []))))) as tech_unwanted

    from relevant

    group by company_id

),

summarized as (

    select
        judged.company_id,
        judged.is_icp_match,
        case when judged.is_icp_match is not null then coalesce(judged.matched_profiles, []) end as icp_profiles,
        judged.failed_rules as icp_failed_rules,
        len(best.soft_met)::integer as icp_soft_met,
        best.soft_total::integer as icp_soft_total,
        best.employees_min as icp_employees_min,
        best.employees_max as icp_employees_max,
        best.revenue_usd_min as icp_revenue_min,
        best.revenue_usd_max as icp_revenue_max,
        technologies.tech_wanted,
        technologies.tech_unwanted

    from judged

    left join best on best.company_id = judged.company_id

    left join technologies on technologies.company_id = judged.company_id

)

select * from summarized
