-- One row per country code of the register.

with

source as (

    select * from {{ source('receita_federal', 'paises') }}

),

renamed as (

    select
        codigo as code,
        nullif(trim(regexp_replace(descricao, '\s+', ' ', 'g')), '') as description

    from source

)

select * from renamed
