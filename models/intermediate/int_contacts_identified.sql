-- One row per person record of a known company: the person and the company that the record names.

with

records as (

    select * from {{ ref('int_records_identified') }}

),

contact_records as (

    select * from {{ ref('int_contact_records') }}

),

companies as (

    select * from {{ ref('int_companies_identified') }}

),

contacts as (

    select
        records.source,
        records.source_key,
        records.id as contact_id,
        companies.company_id,
        records.since

    from records

    join contact_records
        on contact_records.source = records.source
        and contact_records.source_key = records.source_key

    join companies
        on companies.source = contact_records.source
        and companies.source_key = contact_records.company_source_key

    where records.entity = 'contact'

)

select * from contacts
