-- One row per record and address of a CRM that said something of mail from us: the last word.

with

source as (

    select * from {{ source('crm', 'opt_outs') }}

),

renamed as (

    select
        -- ids
        crm_id,
        record_id,

        -- strings
        crm,
        object,
        nullif(email, '') as email,

        -- booleans
        opted_out as is_opted_out,

        -- dates and timestamps
        said_at

    from source

)

select * from renamed
