-- One row per partner of a landed company. Documents are masked at the source.

with

source as (

    select * from {{ source('receita_federal', 'socios') }}

),

renamed as (

    select
        -- ids
        socio_key as partner_key,
        cnpj_basico as cnpj_root,

        -- strings
        identificador_de_socio as partner_type_code,
        nullif(trim(nome_socio), '') as partner_name,
        nullif(trim(cnpj_cpf_do_socio), '') as masked_document,
        nullif(trim(qualificacao_do_socio), '') as qualification_code,
        nullif(trim(faixa_etaria), '') as age_band_code,

        -- dates and timestamps
        data_entrada_sociedade as joined_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
