-- One row per buying signal of a company that may be a lead.

with

signals as (

    select * from {{ ref('int_signals_combined') }}

),

companies as (

    select * from {{ ref('dim_companies') }} where is_icp_match is not false

),

final as (

    select
        -- ids
        signals.signal_id,
        signals.company_id,

        -- strings
        signals.kind,
        signals.evidence,
        signals.url,
        signals.source,
        signals.row_before,
        signals.row_after,

        -- numerics and booleans
        signals.half_life_days,
        signals.strength,
        signals.is_buying,

        -- dates and timestamps
        signals.observed_at,
        signals.fetched_at

    from signals

    join companies on companies.company_id = signals.company_id

)

select * from final
