-- What provenance says a value is, dim_companies says too.

with

provenance as (

    select * from {{ ref('provenance') }}

),

companies as (

    select * from {{ ref('dim_companies') }}

),

published as (

    select
        company_id,
        unnest(
            [
                {'field': 'name', 'value': name},
                {'field': 'domain', 'value': domain},
                {'field': 'cnpj', 'value': cnpj},
                {'field': 'industry', 'value': industry},
                {'field': 'country', 'value': country},
                {'field': 'employee_count', 'value': employee_count::varchar},
                {'field': 'revenue_usd', 'value': revenue_usd::varchar}
            ],
            max_depth := 2
        )

    from companies

),

offending as (

    select provenance.id, provenance.field

    from provenance

    join published
        on published.company_id = provenance.id
        and published.field = provenance.field

    where provenance.value is distinct from published.value

)

select * from offending
