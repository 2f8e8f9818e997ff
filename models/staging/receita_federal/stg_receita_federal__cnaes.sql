-- One row per activity (CNAE) code.

with

source as (

    select * from {{ source('receita_federal', 'cnaes') }}

),

renamed as (

    select
        codigo as code,
        nullif(trim(regexp_replace(descricao, '\s+', ' ', 'g')), '') as description

    from source

)

select * from renamed
