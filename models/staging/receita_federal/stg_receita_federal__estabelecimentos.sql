-- One row per establishment (CNPJ of 14 characters) that passed the ICP's filter when the month was landed.

with

source as (

    select * from {{ source('receita_federal', 'estabelecimentos') }}

),

renamed as (

    select
        -- ids
        cnpj,
        cnpj_basico as cnpj_root,
        cnpj_ordem as branch_number,

        -- strings
        nullif(trim(nome_fantasia), '') as trade_name,
        situacao_cadastral as status_code,
        nullif(trim(motivo_situacao_cadastral), '') as status_reason_code,
        nullif(trim(cnae_fiscal_principal), '') as cnae_code,
        cnaes_secundarias as secondary_cnae_codes,
        nullif(trim(pais), '') as country_code,
        upper(nullif(trim(uf), '')) as state,
        nullif(trim(municipio), '') as municipality_code,
        nullif(trim(cep), '') as postal_code,
        nullif(trim(ddd_1), '') as area_code,
        nullif(trim(telefone_1), '') as phone_number,
        lower(nullif(trim(correio_eletronico), '')) as email,

        -- booleans
        identificador_matriz_filial = '1' as is_headquarters,

        -- dates and timestamps
        data_inicio_atividade as started_on,
        data_situacao_cadastral as status_since,
        _fetched_at as fetched_at

    from source

)

select * from renamed
