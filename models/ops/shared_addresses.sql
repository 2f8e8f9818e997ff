-- One row per e-mail address or phone that more than three legal entities have: nobody is written to at it.

with

shared as (

    select * from {{ ref('int_shared_addresses') }}

)

select * from shared
