-- One row per person of the mock's lists, latest version seen. E-mails stand as they came, malformed ones too.

with

source as (

    select * from {{ source('mock', 'contacts') }}

),

renamed as (

    select
        -- ids
        id as contact_key,
        company_key,

        -- strings
        nullif(trim(full_name), '') as full_name,
        nullif(trim(title), '') as title,
        nullif(trim(email), '') as email,
        nullif(trim(linkedin_url), '') as linkedin_url,
        nullif(trim(phone), '') as phone,

        -- dates and timestamps
        updated_at as updated_on,
        _fetched_at as fetched_at

    from source

)

select * from renamed
