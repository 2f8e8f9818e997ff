-- One row per run, the one that made this publication included. When runs started and ended is told by ops.runs.

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

        -- dates
        as_of

    from runs

)

select * from final
