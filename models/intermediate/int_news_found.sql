-- One row per company and article about it, from every provider that found any.

with

apollo_articles as (

    select * from {{ ref('stg_apollo__news_articles') }}

),

gdelt_articles as (

    select * from {{ ref('stg_gdelt__articles') }}

),

google_news_articles as (

    select * from {{ ref('stg_google_news__articles') }}

),

mock_news as (

    select * from {{ ref('stg_mock__news') }}

),

subjects as (

    select * from {{ ref('int_subjects_resolved') }} where entity = 'company'

),

unioned as (

    select 'gdelt' as provider, subject_id, url, title, publisher, published_on, fetched_at
    from gdelt_articles

    union all by name

    select 'google_news' as provider, subject_id, url, title, publisher, published_on, fetched_at
    from google_news_articles

    union all by name

    select 'mock' as provider, subject_id, url, title, publisher, published_on, fetched_at
    from mock_news

    union all by name

    select 'apollo' as provider, subject_id, url, title, publisher, published_on, fetched_at
    from apollo_articles

),

found as (

    select
        subjects.id as company_id,
        unioned.title,
        unioned.url,
        coalesce(unioned.publisher, unioned.provider) as source,
        unioned.published_on as published_at,
        unioned.provider,
        unioned.fetched_at

    from unioned

    join subjects on subjects.subject_id = unioned.subject_id

    where coalesce(unioned.published_on, as_of()) <= as_of()

    qualify row_number() over (
        partition by subjects.id, unioned.url
        order by unioned.fetched_at desc, unioned.provider, unioned.subject_id
    ) = 1

)

select * from found
