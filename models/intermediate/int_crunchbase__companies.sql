-- One row per company that Crunchbase listed or was asked about, with its country by code and a figure for each band: the middle,
-- and of the highest band its beginning.

with

organizations as (

    select * from {{ ref('stg_crunchbase__organizations') }}

),

profiles as (

    select * from {{ ref('stg_crunchbase__profiles') }}

),

country_names as (

    select * from {{ ref('country_names') }}

),

unioned as (

    select null::varchar as subject_id, * from organizations

    union all by name

    select * exclude (rounds, funded_on) from profiles

),

placed as (

    select
        unioned.*,
        country_names.country,
        coalesce((unioned.employee_count_min + unioned.employee_count_max) // 2, unioned.employee_count_min)::integer
            as employee_count,
        coalesce((unioned.revenue_usd_min + unioned.revenue_usd_max) // 2, unioned.revenue_usd_min)::double as revenue_usd

    from unioned

    left join country_names
        on country_names.country_name
            = trim(regexp_replace(lower(strip_accents(replace(unioned.country_name, '&', 'and'))), '[^a-z0-9]+', ' ', 'g'))

)

select * from placed
