-- One row per company and key that it goes by: its CNPJ roots, its domains, its ids, former ones too.

with

keyed_records as (

    select * from {{ ref('int_company_records_keyed') }}

),

identified as (

    select * from {{ ref('int_companies_identified') }}

),

merged as (

    select * from {{ ref('int_companies_merged') }}

),

resolved as (

    select * from {{ ref('int_subjects_resolved') }} where entity = 'company'

),

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

select * from company_keys
