-- One row per company: what enrichment found out about it, and its technologies, declared and detected, against the ICP's.

with

companies as (

    select * from {{ ref('int_companies_merged') }}

),

technologies as (

    select * from {{ ref('int_technologies_detected') }}

),

signals as (

    select * from {{ ref('int_company_signals_summarized') }}

),

news as (

    select * from {{ ref('int_company_news_summarized') }}

),

socials as (

    select * from {{ ref('int_socials_combined') }}

),

matches as (

    select * from {{ ref('int_icp_matches_summarized') }}

),

detected as (

    select
        company_id,
        list(technology order by lower(technology)) as tech_stack_detected,
        list_distinct(flatten(list(sources))) as sources,
        max(fetched_at) as fetched_at

    from technologies

    group by company_id

),

joined as (

    select
        companies.company_id,
        detected.tech_stack_detected,
        case
            when companies.tech_stack is null then detected.tech_stack_detected
            when detected.tech_stack_detected is null then companies.tech_stack
            else list_concat(
                companies.tech_stack,
                list_filter(
                    detected.tech_stack_detected,
                    lambda found: not list_contains(
                        list_transform(companies.tech_stack, lambda declared: lower(declared)), lower(found)
                    )
                )
            )
        end as technologies,
        signals.buying_signals,
        news.news_mentions,
        case
            when socials.company_id is not null then {
                'linkedin_followers': socials.linkedin_followers,
                'posts_90d': socials.posts_90d,
                'last_post_at': socials.last_post_at,
                'source': socials.source
            }
        end as social_signals,
        matches.tech_wanted,
        matches.tech_unwanted,
        list_concat(detected.sources, signals.sources, news.sources, [socials.source]) as sources,
        greatest(detected.fetched_at, signals.fetched_at, news.fetched_at, socials.fetched_at) as enriched_at

    from companies

    left join detected on detected.company_id = companies.company_id

    left join signals on signals.company_id = companies.company_id

    left join news on news.company_id = companies.company_id

    left join socials on socials.company_id = companies.company_id

    left join matches on matches.company_id = companies.company_id

),

enriched as (

    select
        company_id,
        tech_stack_detected,
        list_sort(technologies) as tech_stack,
        list_transform(technologies, lambda technology: lower(technology)) as tech_keys,
        case
            when technologies is not null
                then list_filter(tech_wanted, lambda wanted: list_contains(tech_keys, lower(wanted)))
        end as tech_wanted_found,
        case
            when technologies is not null
                then list_filter(tech_wanted, lambda wanted: not list_contains(tech_keys, lower(wanted)))
        end as tech_stack_gaps,
        case
            when technologies is not null
                then list_filter(tech_unwanted, lambda unwanted: list_contains(tech_keys, lower(unwanted)))
        end as tech_unwanted_found,
        buying_signals,
        news_mentions,
        social_signals,
        sources,
        enriched_at

    from joined

)

select * from enriched
