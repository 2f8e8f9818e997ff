-- One row per company in the news: all articles as a list, how many in the last 90 days, and the latest.

with

news as (

    select * from {{ ref('int_news_combined') }}

),

ranked as (

    select
        *,
        row_number() over (partition by company_id order by published_at desc nulls last, url) as position

    from news

),

summarized as (

    select
        company_id,
        list(
            {'title': title, 'url': url, 'source': source, 'published_at': published_at} order by position
        ) as news_mentions,
        (count(*) filter (where published_at > as_of() - 90))::integer as news_count_90d,
        arg_min_null(title, position) as latest_news_title,
        arg_min(url, position) as latest_news_url,
        max(published_at) as latest_news_at,
        list(distinct provider order by provider) as sources,
        max(fetched_at) as fetched_at

    from ranked

    group by company_id

)

select * from summarized
