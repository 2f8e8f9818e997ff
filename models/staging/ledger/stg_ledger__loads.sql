-- One row per load: rows of one table that one run recorded together.

with

source as (

    select * from {{ source('ledger', 'loads') }}

),

renamed as (

    select
        -- ids
        load_id,
        run_id,

        -- strings
        source,
        table_name,

        -- numerics
        row_count

    from source

)

select * from renamed
