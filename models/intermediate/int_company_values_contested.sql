-- One row per company, field and value, of the fields that enrichment found something for: what was listed and what was
-- found, ranked together. Position 1 is believed. Fields that only listings know are ranked in int_company_values_ranked.

with

found as (

    select * from {{ ref('int_company_values_found') }}

),

listed as (

    select * from {{ ref('int_company_values_ranked') }}

),

source_precedence as (

    select * from {{ ref('source_precedence') }}

),

contested_fields as (

    select distinct company_id, field from found

),

unioned as (

    select
        listed.company_id,
        listed.field,
        listed.value,
        listed.source,
        listed.source_key,
        listed.is_bulk,
        false as is_found,
        listed.precedence,
        listed.observed_at,
        null::double as confidence,
        null::timestamp as fetched_at

    from listed

    join contested_fields
        on contested_fields.company_id = listed.company_id
        and contested_fields.field = listed.field

    union all

    select
        found.company_id,
        found.field,
        found.value,
        found.source,
        found.source_key,
        false as is_bulk,
        true as is_found,
        coalesce(by_field.precedence, by_source.precedence, 1000) as precedence,
        found.fetched_at::date as observed_at,
        found.confidence,
        found.fetched_at

    from found

    left join source_precedence as by_field
        on by_field.source = found.source
        and by_field.field = found.field

    left join source_precedence as by_source
        on by_source.source = found.source
        and by_source.field = '*'

),

ranked as (

    select
        company_id,
        field,
        row_number() over (
            partition by company_id, field
            order by precedence, observed_at desc nulls last, source, is_found desc, source_key
        ) as position,
        * exclude (company_id, field)

    from unioned

)

select * from ranked
