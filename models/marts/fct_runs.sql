-- One row per run that has ended.

with

runs as (

    select * from {{ ref('stg_ledger__runs') }}

),

final as (

    select
        -- ids
        run_id,
        seq,

        -- strings
        command,
        target,
        git_commit,
        status,
        summary,

        -- numerics
        exit_code,
        date_diff('millisecond', started_at, ended_at) / 1000 as duration_seconds,

        -- dates and timestamps
        as_of,
        started_at,
        ended_at

    from runs

)

select * from final
