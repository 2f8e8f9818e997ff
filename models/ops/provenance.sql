-- One row per company and field: which record the published value was taken from. Companies of which a bulk register holds the
-- only record are left out: their source is told by dim_companies, and they may be millions.

with

company_values as (

    select * from {{ ref('int_company_values_ranked') }}

),

companies as (

    select * from {{ ref('int_companies_merged') }}

),

won as (

    select
        'company' as entity,
        company_values.company_id as id,
        company_values.field,
        company_values.value,
        company_values.source,
        company_values.source_key,
        company_values.observed_at

    from company_values

    join companies on companies.company_id = company_values.company_id

    where company_values.position = 1
        and (companies.record_count > 1 or not company_values.is_bulk)

)

select * from won
