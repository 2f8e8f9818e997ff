-- One row per run that recorded something, as far as its outcome does not depend on the clock.

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
        status,

        -- dates
        as_of

    from source

)

select * from renamed
