-- One row per field and company or person that some provider was asked about: to have asked and found nothing is to know
-- something, not to have asked is not. It is complete only once all fields have been asked for, hence:
-- depends_on: {{ ref('stg_mock__emails') }}, {{ ref('stg_mock__news') }}, {{ ref('stg_mock__signals') }}
-- depends_on: {{ ref('stg_mock__socials') }}, {{ ref('stg_mock__tech_stacks') }}

with

questions as (

    select * from {{ ref('stg_enrichment__questions') }}

),

subjects as (

    select * from {{ ref('int_subjects_resolved') }}

),

asked as (

    select
        subjects.entity,
        subjects.id,
        questions.field,
        bool_or(questions.is_hit) as is_hit,
        max(questions.asked_on) as asked_on

    from questions

    join subjects on subjects.subject_id = questions.subject_id

    group by subjects.entity, subjects.id, questions.field

)

select * from asked
