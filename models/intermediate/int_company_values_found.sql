-- One row per company, field and provider: the latest value that enrichment found. A provider that fills fields of the
-- golden record brings an arm of its own.

with

profiles as (

    select * from {{ ref('int_company_profiles_found') }}

),

builtwith_domains as (

    select * from {{ ref('stg_builtwith__domains') }}

),

cnpjs as (

    select * from {{ ref('int_cnpjs_found') }}

),

hunter_organizations as (

    select * from {{ ref('stg_hunter__organizations') }}

),

registers as (

    select * from {{ ref('int_registers_looked_up') }}

),

subjects as (

    select * from {{ ref('int_subjects_resolved') }} where entity = 'company'

),

unioned as (

    select
        source,
        subject_id,
        null::double as confidence,
        fetched_at,
        unnest(
            [
                {'field': 'employee_count', 'value': employee_count::varchar},
                {'field': 'revenue_usd', 'value': revenue_usd::varchar},
                {'field': 'funding_stage', 'value': funding_stage},
                {'field': 'founded_year', 'value': founded_year::varchar},
                {'field': 'industry', 'value': industry},
                {'field': 'country', 'value': country},
                {'field': 'city', 'value': city},
                {'field': 'linkedin_url', 'value': linkedin_url}
            ],
            max_depth := 2
        )

    from profiles

    union all by name

    select
        source,
        subject_id,
        fetched_at,
        unnest(
            [
                {'field': 'cnae_code', 'value': cnae_code},
                {'field': 'industry', 'value': industry},
                {'field': 'country', 'value': country},
                {'field': 'state', 'value': state},
                {'field': 'city', 'value': city},
                {'field': 'founded_year', 'value': founded_year::varchar},
                {'field': 'phone', 'value': phone},
                {'field': 'registration_status', 'value': registration_status}
            ],
            max_depth := 2
        )

    from registers

    union all by name

    select
        'hunter' as source,
        subject_id,
        fetched_at,
        unnest(
            [
                {'field': 'employee_count', 'value': employee_count::varchar},
                {'field': 'revenue_usd', 'value': revenue_usd::varchar},
                {'field': 'funding_stage', 'value': funding_stage},
                {'field': 'founded_year', 'value': founded_year::varchar},
                {'field': 'linkedin_url', 'value': linkedin_url},
                {'field': 'phone', 'value': phone}
            ],
            max_depth := 2
        )

    from hunter_organizations

    union all by name

    select 'builtwith' as source, subject_id, fetched_at, 'employee_count' as field, employee_count::varchar as value
    from builtwith_domains

    union all by name

    select source, subject_id, fetched_at, 'cnpj' as field, cnpj as value, confidence
    from cnpjs

),

found as (

    select
        subjects.id as company_id,
        unioned.field,
        unioned.source,
        unioned.subject_id as source_key,
        trim(unioned.value) as value,
        unioned.confidence,
        unioned.fetched_at

    from unioned

    join subjects on subjects.subject_id = unioned.subject_id

    where trim(unioned.value) <> ''

    qualify row_number() over (
        partition by subjects.id, unioned.field, unioned.source
        order by unioned.fetched_at desc, unioned.subject_id, unioned.value
    ) = 1

)

select * from found
