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

)

select * from company_keys
