-- One row per company record: the company it belongs to, and since when the record is known.

with

records as (

    select * from {{ ref('int_records_identified') }}

),

companies as (

    select source, source_key, id as company_id, since

    from records

    where entity = 'company'

)

select * from companies
