-- One row per run that has ended.

with

source as (

    select * from {{ source('ledger', 'runs') }}

),

renamed as (

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

        -- dates and timestamps
        as_of,
        started_at,
        ended_at

    from source

)

select * from renamed
