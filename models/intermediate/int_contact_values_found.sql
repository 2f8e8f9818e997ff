-- One row per person, field and provider: the latest phone or LinkedIn page that enrichment found. A provider that fills
-- one of them brings an arm of its own. E-mail addresses have their own model, int_emails_verified.

with

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
