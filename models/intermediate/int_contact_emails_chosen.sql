-- One row per person: the address to write to and what is known of it. A found address takes the place of the one the
-- sources gave only if there was none, or if it is known to work.

with

contacts as (

    select * from {{ ref('int_contacts_merged') }}

),

verified as (

    select * from {{ ref('int_emails_verified') }}

),

compared as (

    select
        contacts.contact_id,
        contacts.email as given_email,
        verified.email as found_email,
        verified.status,
        verified.source,
        verified.fetched_at,
        case
            when verified.email is null then false
            when contacts.email is null then verified.status <> 'invalid'
            else verified.email = contacts.email or verified.status = 'valid'
        end as is_found_taken

    from contacts

    left join verified on verified.contact_id = contacts.contact_id

),

chosen as (

    select
        contact_id,
        case when is_found_taken then found_email else given_email end as email,
        case
            when is_found_taken then status
            when given_email is not null then 'unknown'
        end as email_status,
        source as enrichment_source,
        fetched_at as enriched_at

    from compared

)

select * from chosen
