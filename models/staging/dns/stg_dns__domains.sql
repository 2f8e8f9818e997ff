-- One row per company whose domain was looked up.

with

source as (

    select * from {{ source('dns', 'domains') }}

),

renamed as (

    select
        -- ids
        subject_id,

        -- strings
        lower(trim(domain)) as domain,
        outcome,
        mx_hosts,
        mail_providers,
        senders,
        nullif(trim(spf), '') as spf,

        -- booleans
        accepts_mail,
        is_null_mx,
        is_implicit_mx,

        -- dates and timestamps
        _fetched_at as fetched_at

    from source

)

select * from renamed
