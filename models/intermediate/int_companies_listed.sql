-- One row per company that BuiltWith or Hunter lists: little but the domain is known of it.

with

builtwith_companies as (

    select * from {{ ref('stg_builtwith__companies') }}

),

hunter_companies as (

    select * from {{ ref('stg_hunter__companies') }}

),

listed as (

    select
        'builtwith' as source,
        domain as source_key,
        false as is_bulk,
        company_name as name,
        domain as website,
        domain,
        country,
        state,
        city,
        employee_count,
        revenue_usd as revenue_amount,
        case when revenue_usd is not null then 'USD' end as revenue_currency,
        last_seen_on as updated_at,
        fetched_at as discovered_at

    from builtwith_companies

    union all by name

    select
        'hunter' as source,
        domain as source_key,
        false as is_bulk,
        company_name as name,
        domain as website,
        domain,
        fetched_at::date as updated_at,
        fetched_at as discovered_at

    from hunter_companies

)

select * from listed
