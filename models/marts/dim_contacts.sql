-- One row per person at a company.

with

contacts as (

    select * from {{ ref('int_contacts_merged') }}

),

emails as (

    select * from {{ ref('int_contact_emails_chosen') }}

),

final as (

    select
        -- ids
        contacts.contact_id,
        contacts.company_id,

        -- strings
        contacts.full_name,
        contacts.title,
        contacts.seniority,
        contacts.department,
        emails.email,
        emails.email_status,
        contacts.linkedin_url,
        contacts.phone,
        contacts.source,
        contacts.sources,

        -- timestamps
        contacts.discovered_at

    from contacts

    inner join emails on emails.contact_id = contacts.contact_id

)

select * from final
