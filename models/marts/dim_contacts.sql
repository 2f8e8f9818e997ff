-- One row per person at a company.

with

contacts as (

    select * from {{ ref('int_contacts_merged') }}

),

emails as (

    select * from {{ ref('int_contact_emails_chosen') }}

),

found as (

    select
        contact_id,
        arg_min(value, (coalesce(-confidence, 0), -epoch(fetched_at), source)) filter (where field = 'phone') as phone,
        arg_min(value, (coalesce(-confidence, 0), -epoch(fetched_at), source)) filter (where field = 'full_name') as full_name,
        arg_min(value, (coalesce(-confidence, 0), -epoch(fetched_at), source)) filter (where field = 'linkedin_url') as linkedin_url

    from {{ ref('int_contact_values_found') }}

    group by contact_id

),

final as (

    select
        -- ids
        contacts.contact_id,
        contacts.company_id,

        -- strings
        -- of a name that its source shows in part, the part before the mask is known
        case
            when contacts.full_name like '%*%'
                then coalesce(found.full_name, nullif(regexp_replace(contacts.full_name, '\s*\S*\*.*$', ''), ''))
            else contacts.full_name
        end as full_name,
        contacts.title,
        contacts.seniority,
        contacts.department,
        emails.email,
        emails.email_status,
        coalesce(contacts.linkedin_url, found.linkedin_url) as linkedin_url,
        coalesce(contacts.phone, found.phone) as phone,
        contacts.source,
        contacts.sources,

        -- timestamps
        contacts.discovered_at

    from contacts

    inner join emails on emails.contact_id = contacts.contact_id

    left join found on found.contact_id = contacts.contact_id

)

select * from final
