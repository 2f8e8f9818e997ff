-- What opened this month, and where? Head offices that began in the 31 days up to the newest one that the register knows.

with

establishments as (

    select * from {{ ref('stg_receita_federal__estabelecimentos') }} where is_headquarters

),

cnae_industries as (

    select * from {{ ref('cnae_industries') }}

),

municipalities as (

    select * from {{ ref('stg_receita_federal__municipios') }}

),

newest as (

    select max(started_on) as started_on from establishments where started_on <= as_of()

),

new_companies as (

    select establishments.*

    from establishments

    cross join newest

    where establishments.started_on between newest.started_on - 30 and newest.started_on

),

sectors as (

    select
        new_companies.cnpj,
        arg_max(cnae_industries.industry, length(cnae_industries.cnae_prefix)) as industry

    from new_companies

    join cnae_industries on starts_with(new_companies.cnae_code, cnae_industries.cnae_prefix)

    group by new_companies.cnpj

),

counted as (

    select
        coalesce(sectors.industry, 'unknown') as sector,
        coalesce(new_companies.state, 'unknown') as state,
        coalesce(municipalities.description, 'unknown') as city,
        count(*) as companies,
        min(new_companies.started_on) as first_started_on,
        max(new_companies.started_on) as last_started_on

    from new_companies

    left join sectors on sectors.cnpj = new_companies.cnpj

    left join municipalities on municipalities.code = new_companies.municipality_code

    group by all

    order by companies desc, sector, state, city

)

select * from counted
