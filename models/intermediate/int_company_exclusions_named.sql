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

),

-- every key that a company goes by
company_keys as (

    select identified.company_id, 'cnpj_root' as named_by, keyed_records.cnpj_root as value

    from keyed_records

    join identified
        on identified.source = keyed_records.source
        and identified.source_key = keyed_records.source_key

    where keyed_records.cnpj_root is not null

    union

    select identified.company_id, 'domain', keyed_records.domain

    from keyed_records

    join identified
        on identified.source = keyed_records.source
        and identified.source_key = keyed_records.source_key

    where keyed_records.domain is not null

    union

    select company_id, 'domain', domain from merged where domain is not null

    union

    select company_id, 'cnpj_root', cnpj_root from merged where cnpj_root is not null

    union

    select id, 'company_id', subject_id from resolved

),

direct as (

    select company_keys.company_id, named.reason, named.origin, named.named_by as via

    from named

    join company_keys
        on company_keys.named_by = named.named_by
        and company_keys.value = named.value

),

-- what shares a legal entity or a domain with one of these
shared as (

    select others.company_id, direct.reason, direct.origin, 'same_' || own.named_by as via

    from direct

    join company_keys as own on own.company_id = direct.company_id

    join company_keys as others
        on others.named_by = own.named_by
        and others.value = own.value
        and others.company_id <> own.company_id

    where own.named_by in ('cnpj_root', 'domain')

),

-- legal entities of these, known to us or not, and those of which one of them is a partner
entities as (

    select company_keys.value as cnpj_root, reached.reason, reached.origin

    from (select company_id, reason, origin from direct union select company_id, reason, origin from shared) as reached

    join company_keys on company_keys.company_id = reached.company_id and company_keys.named_by = 'cnpj_root'

    union

    select value, reason, origin from named where named_by = 'cnpj_root'

),

subsidiaries as (

    select company_keys.company_id, entities.reason, entities.origin, 'subsidiary' as via

    from entities

    join partners on left(partners.masked_document, 8) = entities.cnpj_root

    join company_keys on company_keys.named_by = 'cnpj_root' and company_keys.value = partners.cnpj_root

),

excluded as (

    select company_id, reason, origin, via, 1 as distance from direct

    union all

    select company_id, reason, origin, via, 2 from shared

    union all

    select company_id, reason, origin, via, 3 from subsidiaries

),

nearest as (

    select company_id, reason, origin, via

    from excluded

    qualify row_number() over (
        partition by company_id
        order by distance, reason = 'suppressed' desc, reason, origin, via
    ) = 1

)

select * from named
