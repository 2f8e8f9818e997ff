-- One row per person that Apollo listed for a persona of the ICP. That was free: the last name is masked (`Si***a`).

with

source as (

    select * from {{ source('apollo', 'people') }}

),

renamed as (

    select
        -- ids
        id as contact_key,
        organization_id as company_key,

        -- strings
        nullif(trim(concat_ws(' ', first_name, last_name_obfuscated)), '') as masked_name,
        nullif(trim(title), '') as title,

        -- booleans
        has_email,

        -- dates and timestamps
        try_cast(left(last_refreshed_at, 10) as date) as refreshed_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
