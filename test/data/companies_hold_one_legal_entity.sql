-- Two CNPJ roots are never merged into one company.

with

records as (

    select * from {{ ref('int_company_records') }}

),

companies as (

    select * from {{ ref('int_companies_identified') }}

),

offending as (

    select companies.company_id, count(distinct records.cnpj_root) as cnpj_roots

    from companies

    join records
        on records.source = companies.source
        and records.source_key = companies.source_key

    group by companies.company_id

    having count(distinct records.cnpj_root) > 1

)

select * from offending
