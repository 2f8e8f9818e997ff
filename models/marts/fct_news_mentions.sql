-- One row per story about a company that may be a lead.

with

news as (

    select * from {{ ref('int_news_combined') }}

),

companies as (

    select * from {{ ref('dim_companies') }} where is_icp_match is not false

),

final as (

    select
        -- ids
        news.news_id,
        news.company_id,

        -- strings
        news.title,
        news.url,
        news.source,
        news.provider,

        -- numerics
        news.outlets,

        -- dates and timestamps
        news.published_at,
        news.fetched_at

    from news

    join companies on companies.company_id = news.company_id

)

select * from final
