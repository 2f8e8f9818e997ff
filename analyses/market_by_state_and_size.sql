-- How large is the market that the ICP describes? Companies that fit, or still could, by state and size.

with

companies as (

    select * from {{ ref('dim_companies') }} where is_icp_match is not false

),

sized as (

    select
        *,
        case
            when employee_count < 10 then '1. up to 9'
            when employee_count < 50 then '2. 10 to 49'
            when employee_count < 250 then '3. 50 to 249'
            when employee_count < 1000 then '4. 250 to 999'
            when employee_count >= 1000 then '5. 1000 and more'
            else '6. unknown'
        end as size

    from companies

),

counted as (

    select
        coalesce(country, 'unknown') as country,
        coalesce(state, 'unknown') as state,
        size,
        count(*) as companies,
        count(*) filter (where is_icp_match) as known_to_fit,
        sum(revenue_usd::decimal(24, 2)) as revenue_usd

    from sized

    group by all

    order by companies desc, country, state, size

)

select * from counted
