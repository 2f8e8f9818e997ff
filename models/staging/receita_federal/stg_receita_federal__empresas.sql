-- One row per legal entity: the part of the register that all its establishments share.

with

source as (

    select * from {{ source('receita_federal', 'empresas') }}

),

renamed as (

    select
        -- ids
        cnpj_basico as cnpj_root,

        -- strings
        nullif(trim(razao_social), '') as legal_name,
        nullif(trim(natureza_juridica), '') as legal_nature_code,
        nullif(trim(qualificacao_responsavel), '') as responsible_qualification_code,
        nullif(trim(porte), '') as size_class_code,
        nullif(trim(ente_federativo_responsavel), '') as responsible_entity,

        -- numerics
        capital_social as share_capital_brl,

        -- dates and timestamps
        _fetched_at as fetched_at

    from source

)

select * from renamed
