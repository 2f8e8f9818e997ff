-- One row per person whose e-mail some provider found or verified: the best answer, then the newest.

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

    select 'mock' as source, subject_id, email, status, fetched_at
    from mock_emails

    union all by name

    select 'apollo' as source, subject_id, email, status, fetched_at
    from apollo_matches

    union all by name

    select 'hunter' as source, subject_id, email, status, fetched_at
    from hunter_emails

),

verified as (

    select
        subjects.id as contact_id,
        unioned.email,
        unioned.status,
        unioned.source,
        unioned.fetched_at

    from unioned

    join subjects on subjects.subject_id = unioned.subject_id

    where unioned.email like '_%@_%._%'
        and unioned.status is not null

    qualify row_number() over (
        partition by subjects.id
        order by
            list_position(['valid', 'risky', 'unknown', 'invalid'], unioned.status),
            unioned.fetched_at desc,
            unioned.source,
            unioned.email
    ) = 1

)

select * from verified
