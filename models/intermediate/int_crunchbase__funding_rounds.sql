-- One row per round of funding that Crunchbase told of, and company it is about: from the feed of rounds, and from what it was
-- asked about single companies.

with

fed as (

    select * from {{ ref('stg_crunchbase__funding_rounds') }}

),

profiles as (

    select * from {{ ref('stg_crunchbase__profiles') }}

),

records as (

    select * from {{ ref('int_records_identified') }}

),

told as (

    select
        records.id as company_id,
        fed.round_key,
        fed.permalink,
        fed.investment_type,
        fed.currency,
        fed.money_raised,
        fed.lead_investors,
        fed.announced_on,
        fed.fetched_at

    from fed

    join records
        on records.entity = 'company'
        and records.source = 'crunchbase'
        and records.source_key = fed.company_key

    union all by name

    select
        profiles.subject_id,
        profiles.round.uuid as round_key,
        profiles.round.permalink as permalink,
        lower(profiles.round.investment_type) as investment_type,
        profiles.round.currency as currency,
        profiles.round.money_raised as money_raised,
        profiles.round.lead_investors as lead_investors,
        try_cast(left(profiles.round.announced_on, 10) as date) as announced_on,
        profiles.fetched_at

    from (select subject_id, fetched_at, unnest(rounds) as round from profiles) as profiles

),

worded as (

    select
        coalesce(subject_id, company_id) as subject_id,
        round_key,
        announced_on,
        'Raised '
        || concat_ws(
            ', ',
            currency || ' ' || format('{:,}', money_raised::bigint),
            replace(investment_type, '_', ' '),
            'led by ' || nullif(array_to_string(lead_investors, ', '), '')
        ) as evidence,
        'https://www.crunchbase.com/funding_round/' || permalink as url,
        fetched_at

    from told

    where round_key is not null

)

select * from worded
