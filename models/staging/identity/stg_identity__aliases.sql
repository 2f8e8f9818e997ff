-- One row per source record ever identified: the id it goes by now and since when it is known.

with

source as (

    select * from {{ source('identity', 'aliases') }}

),

renamed as (

    select
        entity,
        alias_source,
        alias_key,
        id,
        since

    from source

)

select * from renamed
