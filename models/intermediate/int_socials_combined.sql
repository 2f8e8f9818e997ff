-- One row per company: the latest that any provider saw on its pages.

with

mock_socials as (

    select * from {{ ref('stg_mock__socials') }}

),

subjects as (

    select * from {{ ref('int_subjects_resolved') }} where entity = 'company'

),

unioned as (

    select 'mock' as source, subject_id, linkedin_followers, posts_90d, last_post_on, fetched_at
    from mock_socials

),

combined as (

    select
        subjects.id as company_id,
        unioned.linkedin_followers::integer as linkedin_followers,
        unioned.posts_90d::integer as posts_90d,
        unioned.last_post_on as last_post_at,
        unioned.source,
        unioned.fetched_at

    from unioned

    join subjects on subjects.subject_id = unioned.subject_id

    qualify row_number() over (
        partition by subjects.id
        order by unioned.fetched_at desc, unioned.source, unioned.subject_id
    ) = 1

)

select * from combined
