-- One row per company whose CNPJ was looked up.

with

source as (

    select * from {{ source('minha_receita', 'companies') }}

),

renamed as (

    select
        -- ids
        subject_id,
        upper(regexp_replace(cnpj, '[./\s-]', '', 'g')) as cnpj,

        -- strings
        nullif(trim(razao_social), '') as legal_name,
        nullif(trim(nome_fantasia), '') as trade_name,
        -- numbers at the source: their leading zeros come back here
        case when cnae_fiscal > 0 then lpad(cnae_fiscal::varchar, 7, '0') end as cnae_code,
        nullif(trim(uf), '') as state,
        nullif(trim(municipio), '') as municipality,
        case
            when regexp_full_match(trim(ddd_telefone_1), '\d{10,11}')
                then '+55 ' || left(trim(ddd_telefone_1), 2) || ' ' || substr(trim(ddd_telefone_1), 3)
        end as phone,
        case situacao_cadastral
            when 1 then 'void'
            when 2 then 'active'
            when 3 then 'suspended'
            when 4 then 'unfit'
            when 8 then 'closed'
            else lower(nullif(trim(descricao_situacao_cadastral), ''))
        end as registration_status,

        -- booleans
        identificador_matriz_filial = 1 as is_headquarters,

        -- dates and timestamps
        data_inicio_atividade as started_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
