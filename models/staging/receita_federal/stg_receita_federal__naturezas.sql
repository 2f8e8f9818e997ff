-- One row per legal nature.

with

source as (

    select * from {{ source('receita_federal', 'naturezas') }}

),

renamed as (

    select
        codigo as code,
        nullif(trim(regexp_replace(descricao, '\s+', ' ', 'g')), '') as description

    from source

)

select * from renamed
