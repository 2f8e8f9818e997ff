-- One row per reason for a registration status.

with

source as (

    select * from {{ source('receita_federal', 'motivos') }}

),

renamed as (

    select
        codigo as code,
        nullif(trim(regexp_replace(descricao, '\s+', ' ', 'g')), '') as description

    from source

)

select * from renamed
