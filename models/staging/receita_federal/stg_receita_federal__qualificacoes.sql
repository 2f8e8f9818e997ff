-- One row per qualification of a partner or officer.

with

source as (

    select * from {{ source('receita_federal', 'qualificacoes') }}

),

renamed as (

    select
        codigo as code,
        nullif(trim(regexp_replace(descricao, '\s+', ' ', 'g')), '') as description

    from source

)

select * from renamed
