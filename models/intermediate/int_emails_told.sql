-- One row per address that a provider found for a person, or verified, and provider: the newest. A provider that fills e-mails
-- brings an arm of its own.

with

apollo_matches as (

    select * from {{ ref('stg_apollo__matches') }}

),

hunter_emails as (

    select * from {{ ref('stg_hunter__emails') }}

),

mock_emails as (

    select * from {{ ref('stg_mock__emails') }}

),

subjects as (

    select * from {{ ref('int_subjects_resolved') }} where entity = 'contact'

),

unioned as (

    select 'mock' as source, subject_id, email, status, null::double as confidence, fetched_at
    from mock_emails

    union all by name

    select 'apollo' as source, subject_id, email, status, fetched_at
    from apollo_matches

    union all by name

    select 'hunter' as source, subject_id, email, status, confidence, fetched_at
    from hunter_emails

),

told as (

    select
        subjects.id as contact_id,
        unioned.subject_id,
        unioned.email,
        unioned.status,
        unioned.confidence,
        unioned.source,
        unioned.fetched_at

    from unioned

    join subjects on subjects.subject_id = unioned.subject_id

    where unioned.email like '_%@_%._%'
        and unioned.status is not null

    qualify row_number() over (
        partition by subjects.id, unioned.source, unioned.email
        order by unioned.fetched_at desc, unioned.subject_id
    ) = 1

)

select * from told
