-- One row per company that Apollo listed for the ICP.

with

source as (

    select * from {{ source('apollo', 'companies') }}

),

renamed as (

    select
        -- ids
        id as company_key,

        -- strings
        nullif(trim(name), '') as company_name,
        nullif(trim(website_url), '') as website,
        nullif(trim(primary_domain), '') as domain,
        nullif(trim(linkedin_url), '') as linkedin_url,
        nullif(trim(phone), '') as phone,

        -- booleans
        account_id is not null as is_in_caller_crm,

        -- numerics
        founded_year,

        -- dates and timestamps
        _fetched_at as fetched_at

    from source

)

select * from renamed
