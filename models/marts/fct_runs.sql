-- One row per run that recorded something: what was called, and what it took in and spent.
-- When it began and how long it took is in ops.runs: a mart says the same on every machine.

with

runs as (

    select * from {{ ref('stg_ledger__runs') }}

),

loads as (

    select * from {{ ref('stg_ledger__loads') }}

),

calls as (

    select * from {{ ref('fct_provider_calls') }}

),

loads_summarized as (

    select
        run_id,
        sum(row_count)::bigint as rows_recorded

    from loads

    group by run_id

),

calls_summarized as (

    select
        run_id,
        count(*) as calls,
        sum(credits) as credits,
        sum(usd) as usd

    from calls

    group by run_id

),

final as (

    select
        -- ids
        runs.run_id,
        runs.seq,

        -- strings
        runs.command,
        runs.target,
        runs.status,

        -- numerics
        coalesce(loads_summarized.rows_recorded, 0) as rows_recorded,
        coalesce(calls_summarized.calls, 0) as calls,
        coalesce(calls_summarized.credits, 0) as credits,
        coalesce(calls_summarized.usd, 0) as usd,

        -- dates
        runs.as_of

    from runs

    left join loads_summarized on runs.run_id = loads_summarized.run_id

    left join calls_summarized on runs.run_id = calls_summarized.run_id

)

select * from final
