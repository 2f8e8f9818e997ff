-- One row per round of funding announced in the countries of the ICP.

with

source as (

    select * from {{ source('crunchbase', 'funding_rounds') }}

),

renamed as (

    select
        -- ids
        uuid as round_key,
        organization_uuid as company_key,

        -- strings
        permalink,
        lower(investment_type) as investment_type,
        currency,
        lead_investors,

        -- numerics
        money_raised,
        money_raised_usd,

        -- dates and timestamps
        try_cast(left(announced_on, 10) as date) as announced_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
