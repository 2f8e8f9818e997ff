-- One row per request to a service, answered from the cache or not.

with

source as (

    select * from {{ source('ledger', 'calls') }}

),

renamed as (

    select
        -- ids
        call_id,
        run_id,
        company_id,
        lead_id,

        -- strings
        service,
        endpoint,
        field,

        -- numerics
        status,
        credits,
        usd,

        -- booleans
        hit as is_hit,
        cached as is_cached,

        -- dates and timestamps
        requested_at

    from source

)

select * from renamed
