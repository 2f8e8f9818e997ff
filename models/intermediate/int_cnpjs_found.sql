-- One row per company, source and CNPJ that a site of the company shows.

with

builtwith_registrations as (

    select * from {{ ref('stg_builtwith__registrations') }}

),

website_sites as (

    select * from {{ ref('stg_website__sites') }}

),

unioned as (

    select 'builtwith' as source, subject_id, fetched_at, cnpj
    from builtwith_registrations

    union all by name

    select 'website' as source, subject_id, fetched_at, cnpj, 0.9 as confidence
    from website_sites

),

found as (

    select * from unioned where cnpj is not null

)

select * from found
