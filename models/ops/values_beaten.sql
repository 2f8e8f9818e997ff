-- One row per company, field and record whose value was not believed: what dim_companies would say without the winner.

with

company_values as (

    select * from {{ ref('int_company_values_ranked') }}

),

believed as (

    select company_id, field, value, source, source_key from company_values where position = 1

),

beaten as (

    select
        'company' as entity,
        company_values.company_id as id,
        company_values.field,
        company_values.position,
        company_values.value,
        company_values.source,
        company_values.source_key,
        company_values.precedence,
        company_values.confidence,
        company_values.agreeing_sources,
        company_values.observed_at,
        believed.value as believed_value,
        believed.source as believed_source,
        believed.source_key as believed_key

    from company_values

    join believed
        on believed.company_id = company_values.company_id
        and believed.field = company_values.field

    where company_values.position > 1

)

select * from beaten
