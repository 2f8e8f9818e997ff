-- One row per company and story about it: what several outlets carry within days of each other, in nearly the same words, is
-- one story, told by the first of them.

with

articles as (

    select
        *,
        list_sort(
            list_distinct(regexp_extract_all(lower(strip_accents(coalesce(title, url))), '[\p{L}\p{N}]+'))
        ) as words

    from {{ ref('int_news_found') }}

),

-- every article with itself and its copies; two thirds of the words in common
likenesses as (

    select
        articles.company_id,
        articles.url,
        count(distinct copies.source) as outlets,
        bool_or(
            (coalesce(copies.published_at, date '9999-12-31'), copies.url)
            < (coalesce(articles.published_at, date '9999-12-31'), articles.url)
        ) as is_copy

    from articles

    join articles as copies
        on
            copies.company_id = articles.company_id
            and abs(
                coalesce(copies.published_at, articles.published_at, as_of())
                - coalesce(articles.published_at, copies.published_at, as_of())
            ) <= 3
            and 3 * len(list_intersect(copies.words, articles.words))
            >= 2 * len(list_distinct(list_concat(copies.words, articles.words)))

    group by articles.company_id, articles.url

),

combined as (

    select
        'nws_' || left(sha256(concat_ws(chr(31), articles.company_id, articles.url)), 20) as news_id,
        articles.company_id,
        articles.title,
        articles.url,
        articles.source,
        articles.published_at,
        likenesses.outlets::integer as outlets,
        articles.provider,
        articles.fetched_at

    from articles

    join likenesses on likenesses.company_id = articles.company_id and likenesses.url = articles.url

    where not likenesses.is_copy

)

select * from combined
