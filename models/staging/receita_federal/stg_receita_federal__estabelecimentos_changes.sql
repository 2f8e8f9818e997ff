-- One row per row of estabelecimentos that is another than in the month landed before: as it was, as it is.

with

source as (

    select * from {{ source('receita_federal', 'estabelecimentos_changes') }}

),

renamed as (

    select
        -- ids
        cnpj,
        left(cnpj, 8) as cnpj_root,

        -- structs, with the names of the register
        was,
        now,

        -- booleans
        same_filter as is_same_filter,

        -- dates and timestamps
        changed_on,
        previous_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
