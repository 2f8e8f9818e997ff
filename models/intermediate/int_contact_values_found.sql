-- One row per person, field and provider: the latest name, phone or LinkedIn page that enrichment found. A provider that fills
-- one of them brings an arm of its own. E-mail addresses have their own model, int_emails_told.

with

apollo_matches as (

    select * from {{ ref('stg_apollo__matches') }}

),

apollo_phones as (

    select * from {{ ref('stg_apollo__phones') }}

),

hunter_people as (

    select * from {{ ref('stg_hunter__people') }}

),

hunter_emails as (

    select * from {{ ref('stg_hunter__emails') }}

),

subjects as (

    select * from {{ ref('int_subjects_resolved') }} where entity = 'contact'

),

unioned as (

    select
        null::varchar as source,
        null::varchar as subject_id,
        null::double as confidence,
        null::timestamp as fetched_at,
        null::varchar as field,
        null::varchar as value

    where false

    union all by name

    select
        'apollo' as source,
        subject_id,
        fetched_at,
        unnest(
            [{'field': 'full_name', 'value': full_name}, {'field': 'linkedin_url', 'value': linkedin_url}],
            max_depth := 2
        )

    from apollo_matches

    union all by name

    -- a number that was tried, of those who have not asked to be left alone
    select
        'apollo' as source,
        subject_id,
        max(fetched_at) as fetched_at,
        'phone' as field,
        arg_min(phone, (status is distinct from 'valid_number', kind is distinct from 'mobile', phone_key)) as value

    from apollo_phones

    where coalesce(do_not_call_status, 'not_found') = 'not_found'

    group by subject_id

    union all by name

    select
        'hunter' as source,
        subject_id,
        fetched_at,
        unnest(
            [{'field': 'phone', 'value': phone}, {'field': 'linkedin_url', 'value': linkedin_url}],
            max_depth := 2
        )

    from hunter_emails

    union all by name

    select
        'hunter' as source,
        subject_id,
        fetched_at,
        unnest(
            [
                {'field': 'phone', 'value': phone},
                {'field': 'full_name', 'value': full_name},
                {'field': 'linkedin_url', 'value': linkedin_url}
            ],
            max_depth := 2
        )

    from hunter_people

),

found as (

    select
        subjects.id as contact_id,
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
