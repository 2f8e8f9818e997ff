-- One row per company, field and record that knows it; position 1 is the value that is believed, the others it has beaten.
-- Believed is the source of lowest precedence, then the newest month, the higher confidence, the value that more sources
-- agree on, the newest record, the first key.

with

records as (

    select * from {{ ref('int_company_records') }}

),

keyed as (

    select * from {{ ref('int_company_records_keyed') }}

),

identified as (

    select * from {{ ref('int_companies_identified') }}

),

source_precedence as (

    select * from {{ ref('source_precedence') }}

),

unpivoted as (

    select
        identified.company_id,
        records.source,
        records.source_key,
        records.is_bulk,
        records.updated_at,
        unnest(
            [
                {'field': 'name', 'value': records.name},
                {'field': 'website', 'value': records.website},
                {'field': 'domain', 'value': keyed.domain},
                {'field': 'cnpj', 'value': records.cnpj},
                {'field': 'linkedin_url', 'value': records.linkedin_url},
                {'field': 'industry', 'value': records.industry},
                {'field': 'cnae_code', 'value': records.cnae_code},
                {'field': 'country', 'value': records.country},
                {'field': 'state', 'value': records.state},
                {'field': 'city', 'value': records.city},
                {'field': 'employee_count', 'value': records.employee_count::varchar},
                {'field': 'revenue_usd', 'value': records.revenue_usd::varchar},
                {'field': 'founded_year', 'value': records.founded_year::varchar},
                {'field': 'funding_stage', 'value': records.funding_stage},
                {'field': 'phone', 'value': records.phone},
                {'field': 'registration_status', 'value': records.status}
            ],
            max_depth := 2
        )

    from records

    join identified
        on identified.source = records.source
        and identified.source_key = records.source_key

    join keyed
        on keyed.source = records.source
        and keyed.source_key = records.source_key

),

preferred as (

    select
        unpivoted.*,
        coalesce(by_field.precedence, by_source.precedence, 1000) as precedence,
        coalesce(by_field.confidence, by_source.confidence, 0.5) as confidence

    from unpivoted

    left join source_precedence as by_field
        on by_field.source = unpivoted.source
        and by_field.field = unpivoted.field

    left join source_precedence as by_source
        on by_source.source = unpivoted.source
        and by_source.field = '*'

    where unpivoted.value is not null

),

weighed as (

    select preferred.*, agreement.agreeing_sources

    from preferred

    join (
        select company_id, field, lower(value) as spelling, count(distinct source)::integer as agreeing_sources

        from preferred

        group by company_id, field, lower(value)
    ) as agreement
        on agreement.company_id = preferred.company_id
        and agreement.field = preferred.field
        and agreement.spelling = lower(preferred.value)

),

ranked as (

    select
        company_id,
        field,
        row_number() over (
            partition by company_id, field
            order by
                precedence,
                date_trunc('month', updated_at) desc nulls last,
                confidence desc,
                agreeing_sources desc,
                updated_at desc nulls last,
                source,
                source_key
        ) as position,
        value,
        source,
        source_key,
        is_bulk,
        precedence,
        confidence,
        agreeing_sources,
        updated_at as observed_at

    from weighed

)

select * from ranked
