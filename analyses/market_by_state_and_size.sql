-- How large is the market that the ICP describes? Companies that fit, or still could, by state and size: of employees where
-- they are known, else the register's porte, a class of revenue.

with

companies as (

    select * from {{ ref('dim_companies') }} where is_icp_match is not false

),

legal_entities as (

    select * from {{ ref('stg_receita_federal__empresas') }}

),

sized as (

    select
        companies.*,
        case
            when companies.employee_count < 10 then '1. up to 9'
            when companies.employee_count < 50 then '2. 10 to 49'
            when companies.employee_count < 250 then '3. 50 to 249'
            when companies.employee_count < 1000 then '4. 250 to 999'
            when companies.employee_count >= 1000 then '5. 1000 and more'
            when legal_entities.size_class_code = '01' then '6. micro (porte)'
            when legal_entities.size_class_code = '03' then '7. small (porte)'
            when legal_entities.size_class_code = '05' then '8. medium or large (porte)'
            else '9. unknown'
        end as size

    from companies

    left join legal_entities on legal_entities.cnpj_root = left(companies.cnpj, 8)

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
