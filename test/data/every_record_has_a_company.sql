-- Entity resolution loses no record and sees none twice.

with

records as (

    select * from {{ ref('int_company_records') }}

),

companies as (

    select * from {{ ref('int_companies_identified') }}

),

offending as (

    select records.source, records.source_key, count(companies.company_id) as companies

    from records

    left join companies
        on companies.source = records.source
        and companies.source_key = records.source_key

    group by records.source, records.source_key

    having count(companies.company_id) <> 1

)

select * from offending
