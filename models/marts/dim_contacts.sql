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

shared as (

    select channel, address from {{ ref('int_shared_addresses') }}

),

named as (

    select
        contacts.* exclude (full_name),
        -- of a name that its source shows in part, the part before the mask is known
        case
            when contacts.full_name like '%*%'
                then coalesce(found.full_name, nullif(regexp_replace(contacts.full_name, '\s*\S*\*.*$', ''), ''))
            else contacts.full_name
        end as full_name,
        found.phone as found_phone,
        found.linkedin_url as found_linkedin_url

    from contacts

    left join found on found.contact_id = contacts.contact_id

),

final as (

    select
        -- ids
        contacts.contact_id,
        contacts.company_id,

        -- strings
        contacts.full_name,
        case when contacts.full_name like '% %' then split_part(contacts.full_name, ' ', 1) end as first_name,
        regexp_replace(contacts.full_name, '^\S+\s+', '') as last_name,
        contacts.title,
        contacts.seniority,
        contacts.department,
        emails.email,
        emails.email_status,
        coalesce(contacts.linkedin_url, contacts.found_linkedin_url) as linkedin_url,
        coalesce(contacts.phone, contacts.found_phone) as phone,
        contacts.source,
        contacts.sources,

        -- booleans
        shared_emails.address is not null as email_is_shared,
        shared_phones.address is not null as phone_is_shared,

        -- timestamps
        contacts.discovered_at

    from named as contacts

    inner join emails on emails.contact_id = contacts.contact_id

    left join shared as shared_emails
        on shared_emails.channel = 'email'
        and shared_emails.address = lower(emails.email)

    left join shared as shared_phones
        on shared_phones.channel = 'phone'
        and shared_phones.address = regexp_replace(coalesce(contacts.phone, contacts.found_phone), '[^0-9]', '', 'g')

)

select * from final
