-- One row per person whom Hunter knows by the address.

with

source as (

    select * from {{ source('hunter', 'people') }} where status = 'found'

),

renamed as (

    select
        -- ids
        subject_id,

        -- strings
        nullif(trim(full_name), '') as full_name,
        nullif(trim(phone), '') as phone,
        'https://www.linkedin.com/in/' || nullif(trim(linkedin), '') as linkedin_url,

        -- dates and timestamps
        _fetched_at as fetched_at

    from source

)

select * from renamed
