-- One row per company whose CNPJ was looked up.

with

source as (

    select * from {{ source('opencnpj', 'companies') }}

),

renamed as (

    select
        -- ids
        subject_id,
        upper(regexp_replace(cnpj, '[./\s-]', '', 'g')) as cnpj,

        -- strings
        nullif(trim(razao_social), '') as legal_name,
        nullif(trim(nome_fantasia), '') as trade_name,
        nullif(nullif(trim(cnae_principal), ''), '0000000') as cnae_code,
        nullif(trim(uf), '') as state,
        nullif(trim(municipio), '') as municipality,
        case
            when nullif(telefones ->> '$[0].numero', '') is not null
                then '+55 ' || (telefones ->> '$[0].ddd') || ' ' || (telefones ->> '$[0].numero')
        end as phone,
        case lower(trim(situacao_cadastral))
            when 'nula' then 'void'
            when 'ativa' then 'active'
            when 'suspensa' then 'suspended'
            when 'inapta' then 'unfit'
            when 'baixada' then 'closed'
            else lower(nullif(trim(situacao_cadastral), ''))
        end as registration_status,

        -- booleans
        lower(trim(matriz_filial)) = 'matriz' as is_headquarters,

        -- dates and timestamps
        try_cast(nullif(trim(data_inicio_atividade), '') as date) as started_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
