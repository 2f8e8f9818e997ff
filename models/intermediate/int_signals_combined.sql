-- One row per buying signal of a company, from every provider that knows any.

with

mock_signals as (

    select * from {{ ref('stg_mock__signals') }}

),

subjects as (

    select * from {{ ref('int_subjects_resolved') }} where entity = 'company'

),

unioned as (

    select 'mock' as source, subject_id, signal_key, kind, observed_on, evidence, url, fetched_at
    from mock_signals

),

combined as (

    select
        'sig_' || left(sha256(concat_ws(chr(31), subjects.id, unioned.source, unioned.signal_key)), 20) as signal_id,
        subjects.id as company_id,
        unioned.kind,
        unioned.observed_on as observed_at,
        unioned.evidence,
        unioned.url,
        unioned.source,
        unioned.fetched_at

    from unioned

    join subjects on subjects.subject_id = unioned.subject_id

    where unioned.kind is not null
        and coalesce(unioned.observed_on, as_of()) <= as_of()

    qualify row_number() over (
        partition by subjects.id, unioned.source, unioned.signal_key
        order by unioned.fetched_at desc, unioned.subject_id
    ) = 1

)

select * from combined
