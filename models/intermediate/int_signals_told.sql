-- One row per signal as a provider tells of it. A provider that knows any brings an arm of its own.

with

apollo_job_postings as (

    select * from {{ ref('stg_apollo__job_postings') }}

),

apollo_organizations as (

    select * from {{ ref('stg_apollo__organizations') }}

),

builtwith_changes as (

    select * from {{ ref('stg_builtwith__changes') }}

),

crunchbase_rounds as (

    select * from {{ ref('int_crunchbase__funding_rounds') }}

),

mock_signals as (

    select * from {{ ref('stg_mock__signals') }}

),

told as (

    select 'mock' as source, subject_id, signal_key, kind, observed_on, evidence, url, fetched_at
    from mock_signals

    union all by name

    select
        'crunchbase' as source,
        subject_id,
        'round ' || round_key as signal_key,
        'funding' as kind,
        announced_on as observed_on,
        evidence,
        url,
        fetched_at

    from crunchbase_rounds

    union all by name

    select
        'apollo' as source,
        subject_id,
        'job ' || posting_key as signal_key,
        'hiring' as kind,
        posted_on as observed_on,
        'Looks for: ' || concat_ws(', ', title, place) as evidence,
        url,
        fetched_at

    from apollo_job_postings

    union all by name

    select
        'apollo' as source,
        subject_id,
        'round ' || coalesce(round.id, round.date, '') as signal_key,
        'funding' as kind,
        try_cast(left(round.date, 10) as date) as observed_on,
        'Raised ' || concat_ws(', ', round.currency || round.amount, round.type, nullif(round.investors, '')) as evidence,
        round.news_url as url,
        fetched_at

    from (select subject_id, fetched_at, unnest(funding_events) as round from apollo_organizations)

    union all by name

    select
        'builtwith' as source,
        subject_id,
        'added ' || technology as signal_key,
        'tech_adoption' as kind,
        seen_on as observed_on,
        'Began to use ' || technology as evidence,
        null as url,
        fetched_at

    from builtwith_changes

    where change = 'technology_added'

    qualify row_number() over (partition by subject_id, technology order by seen_on desc nulls last) = 1

)

select * from told
