-- One row per company and field: which record the published value was taken from. Companies of which a bulk register holds the
-- only record are left out: their source is told by dim_companies, and they may be millions.

with

company_values as (

    select * from {{ ref('int_company_values_ranked') }}

),

contested as (

    select * from {{ ref('int_company_values_contested') }}

),

companies as (

    select * from {{ ref('int_companies_merged') }}

),

believed as (

    select company_values.*, false as is_found

    from company_values

    anti join contested
        on contested.company_id = company_values.company_id
        and contested.field = company_values.field

    where company_values.position = 1

    union all by name

    select
        company_id,
        field,
        position,
        value,
        source,
        source_key,
        is_bulk,
        precedence,
        observed_at,
        is_found

    from contested

    where position = 1

),

won as (

    select
        'company' as entity,
        believed.company_id as id,
        believed.field,
        believed.value,
        believed.source,
        believed.source_key,
        believed.is_found,
        believed.observed_at

    from believed

    join companies on companies.company_id = believed.company_id

    where companies.record_count > 1
        or not believed.is_bulk

)

select * from won
