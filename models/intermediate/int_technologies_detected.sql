-- One row per company and technology that some provider saw there within the last two years.

with

mock_tech_stacks as (

    select * from {{ ref('stg_mock__tech_stacks') }}

),

subjects as (

    select * from {{ ref('int_subjects_resolved') }} where entity = 'company'

),

unioned as (

    select 'mock' as source, subject_id, technology, category, first_seen_on, last_seen_on, fetched_at
    from mock_tech_stacks

),

detected as (

    select
        subjects.id as company_id,
        min(unioned.technology) as technology,
        min(unioned.category) as category,
        min(unioned.first_seen_on) as first_seen_on,
        max(unioned.last_seen_on) as last_seen_on,
        list(distinct unioned.source order by unioned.source) as sources,
        max(unioned.fetched_at) as fetched_at

    from unioned

    join subjects on subjects.subject_id = unioned.subject_id

    where unioned.technology is not null

    group by subjects.id, lower(unioned.technology)

    having coalesce(max(unioned.last_seen_on), as_of()) >= as_of() - interval 2 years

)

select * from detected
