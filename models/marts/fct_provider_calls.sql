-- One row per request to a provider, paid or free, answered by it or from the cache.

with

calls as (

    select * from {{ ref('stg_ledger__calls') }}

),

final as (

    select
        -- ids
        call_id,
        run_id,
        company_id,
        lead_id,

        -- strings
        service as provider,
        endpoint,
        field,

        -- numerics
        status,
        credits,
        usd,

        -- booleans
        is_hit as hit,
        is_cached as cached,

        -- timestamps
        requested_at

    from calls

)

select * from final
