-- One row per company that providers were asked about, or that is in the news: all articles as a list, how many in the last
-- 90 days, and the latest.

with

news as (

    select * from {{ ref('int_news_combined') }}

),

asked as (

    select * from {{ ref('int_subjects_asked') }} where entity = 'company' and field = 'news'

),

known as (

    select company_id from news

    union

    select id as company_id from asked

),

ranked as (

    select
        known.company_id,
        news.* exclude (company_id),
        row_number() over (
            partition by known.company_id order by news.published_at desc nulls last, news.url
        ) as position

    from known

    left join news on news.company_id = known.company_id

),

summarized as (

    select
        company_id,
        coalesce(
            list(
                {'title': title, 'url': url, 'source': source, 'published_at': published_at} order by position
            ) filter (where url is not null),
            []
        ) as news_mentions,
        (count(*) filter (where published_at > as_of() - 90))::integer as news_count_90d,
        arg_min_null(news_id, position) as latest_news_id,
        arg_min_null(title, position) as latest_news_title,
        arg_min_null(url, position) as latest_news_url,
        max(published_at) as latest_news_at,
        list(distinct provider order by provider) filter (where provider is not null) as sources,
        max(fetched_at) as fetched_at

    from ranked

    group by company_id

)

select * from summarized
