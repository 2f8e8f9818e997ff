-- One row per company that Apollo was asked about, with its country by code.

with

organizations as (

    select * from {{ ref('stg_apollo__organizations') }}

),

country_names as (

    select * from {{ ref('country_names') }}

),

located as (

    select
        organizations.*,
        country_names.country

    from organizations

    left join country_names
        on country_names.country_name
            = trim(regexp_replace(lower(strip_accents(replace(organizations.country_name, '&', 'and'))), '[^a-z0-9]+', ' ', 'g'))

)

select * from located
