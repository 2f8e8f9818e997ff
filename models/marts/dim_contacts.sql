-- One row per person at a company.

with

contacts as (

    select * from {{ ref('int_contacts_merged') }}

),

final as (

    select
        -- ids
        contact_id,
        company_id,

        -- strings
        full_name,
        title,
        seniority,
        department,
        email,
        email_status,
        linkedin_url,
        phone,
        source,
        sources,

        -- timestamps
        discovered_at

    from contacts

)

select * from final
