-- One row per reason not to touch a company, by what it names: an id, a domain, a legal entity.

with

suppressions as (

    select * from {{ ref('stg_ledger__suppressions') }}

),

known_companies as (

    select * from {{ ref('int_crm_companies_known') }}

),

listed_companies as (

    select * from {{ ref('excluded_companies') }}

),

named as (

    select 'suppressed' as reason, 'suppress' as origin, suppressed_by as named_by, suppressed_value as value

    from suppressions

    where suppressed_by in ('company_id', 'domain', 'cnpj_root')

    union all

    select relationship, crm, 'company_id', company_id from known_companies where company_id is not null

    union all

    select relationship, crm, 'domain', domain from known_companies where domain is not null

    union all

    select relationship, crm, 'cnpj_root', cnpj_root from known_companies where cnpj_root is not null

    union all

    select relationship, 'excluded_companies', 'domain', lower(trim(domain))

    from listed_companies

    where trim(domain) <> ''

    union all

    select
        relationship,
        'excluded_companies',
        'cnpj_root',
        left(upper(regexp_replace(cnpj, '[./ -]', '', 'g')), 8)

    from listed_companies

    where trim(cnpj) <> ''

)

select * from named
