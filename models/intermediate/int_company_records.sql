-- One row per company record of every source, in one spelling. Nothing is merged yet.

with

records as (

    select * from {{ ref('int_company_records_unioned') }}

),

cnae_industries as (

    select * from {{ ref('cnae_industries') }}

),

fx_rates as (

    select * from {{ ref('fx_rates') }}

),

rates as (

    select currency, arg_max(usd_per_unit, valid_on) as usd_per_unit

    from fx_rates

    where valid_on <= as_of()

    group by currency

),

known_cnae_codes as (

    select distinct cnae_code from records where cnae_code is not null

),

cnae_codes as (

    select
        known_cnae_codes.cnae_code,
        arg_max(cnae_industries.industry, length(cnae_industries.cnae_prefix)) as industry

    from known_cnae_codes

    join cnae_industries on starts_with(known_cnae_codes.cnae_code, cnae_industries.cnae_prefix)

    group by known_cnae_codes.cnae_code

),

spelled as (

    select
        records.*,
        trim(regexp_replace(lower(strip_accents(records.name)), '[^a-z0-9]+', ' ', 'g')) as plain_name,
        regexp_extract(
            upper(regexp_replace(records.cnpj, '[./\s-]', '', 'g')),
            '^[0-9A-Z]{12}[0-9]{2}$'
        ) as bare_cnpj,
        regexp_extract(
            lower(coalesce(records.domain, records.website)),
            '^(?:[a-z][a-z0-9+.-]*://)?(?:[^/@]*@)?(?:www\.)?([^/:?#@\s]+\.[a-z0-9-]{2,})\.?(?:[/:?#].*)?$',
            1
        ) as web_host,
        regexp_extract(
            lower(coalesce(records.linkedin_url, records.website)),
            'linkedin\.com/((?:company|school|showcase)/[^/?#\s]+)',
            1
        ) as linkedin_path,
        trim(regexp_replace(lower(records.industry), '[^a-z0-9]+', '_', 'g'), '_') as industry_name,
        cnae_codes.industry as cnae_industry,
        rates.usd_per_unit

    from records

    left join cnae_codes on cnae_codes.cnae_code = records.cnae_code

    left join rates on rates.currency = records.revenue_currency

),

final as (

    select
        -- ids
        source,
        source_key,
        is_bulk,
        -- one character fourteen times is what people type where they have none
        case when replace(bare_cnpj, left(bare_cnpj, 1), '') <> '' then bare_cnpj end as cnpj,
        case when replace(bare_cnpj, left(bare_cnpj, 1), '') <> '' then left(bare_cnpj, 8) end as cnpj_root,
        nullif(linkedin_path, '') as linkedin_key,
        nullif(web_host, '') as host,
        email_host,

        -- strings
        name,
        regexp_replace(
            plain_name,
            '( (ltda|limitada|me|epp|eireli|mei|s a|sa|s s|inc|llc|ltd|corp|corporation|gmbh))+$',
            ''
        ) as name_key,
        website,
        linkedin_url,
        country,
        state,
        city,
        coalesce(nullif(industry_name, ''), cnae_industry) as industry,
        cnae_code,
        funding_stage,
        technologies,
        phone,
        status,

        -- numerics
        case when employee_count > 0 then employee_count end::integer as employee_count,
        round(case when revenue_amount > 0 then revenue_amount end * usd_per_unit::double, 2) as revenue_usd,
        case when founded_year between 1500 and year(as_of()) then founded_year end::integer as founded_year,

        -- dates and timestamps
        updated_at,
        discovered_at

    from spelled

)

select * from final
