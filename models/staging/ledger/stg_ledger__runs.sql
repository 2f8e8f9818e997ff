-- One row per run, the present one too.

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

        -- dates
        as_of

    from source

)

select * from renamed
