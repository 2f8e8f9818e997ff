-- One row per company that ever chose the simplified tax regime.

with

source as (

    select * from {{ source('receita_federal', 'simples') }}

),

renamed as (

    select
        -- ids
        cnpj_basico as cnpj_root,

        -- booleans
        case opcao_pelo_simples when 'S' then true when 'N' then false end as is_simples,
        case opcao_pelo_mei when 'S' then true when 'N' then false end as is_mei,

        -- dates and timestamps
        _fetched_at as fetched_at

    from source

)

select * from renamed
