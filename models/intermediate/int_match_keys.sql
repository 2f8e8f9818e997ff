-- One row per record and key that it shares with another record: the edges along which records are one and the same.

with

companies as (

    select * from {{ ref('int_company_records_keyed') }}

),

contacts as (

    select * from {{ ref('int_contact_records') }}

),

role_mailboxes as (

    select * from {{ ref('role_mailboxes') }}

),

shared_addresses as (

    select * from {{ ref('int_shared_addresses') }} where channel = 'email'

),

-- A domain or a page that several legal entities have joins only the records that name none.
weak_company_keys as (

    select
        source,
        source_key,
        match_key,
        cnpj_root is null
            or min(cnpj_root) over (partition by match_key) = max(cnpj_root) over (partition by match_key) as is_safe

    from (
        select source, source_key, cnpj_root, 'domain ' || domain as match_key from companies

        union all

        select source, source_key, cnpj_root, 'linkedin ' || linkedin_key as match_key from companies
    )

    where match_key is not null

),

-- An address is one person's unless it belongs to a role, or to an accountant. Another first name is another person; where
-- several have it, it is a team's, and the last name must begin alike, too.
contact_emails as (

    select
        contacts.source,
        contacts.source_key,
        concat_ws(
            ' ',
            'email',
            contacts.email,
            case
                when min(split_part(contacts.name_key, ' ', 1)) over (partition by contacts.email)
                    = max(split_part(contacts.name_key, ' ', 1)) over (partition by contacts.email)
                    then split_part(contacts.name_key, ' ', 1)
                else split_part(contacts.name_key, ' ', 1) || ' ' || left(split_part(contacts.name_key, ' ', -1), 1)
            end
        ) as match_key

    from contacts

    anti join role_mailboxes on role_mailboxes.local_part = split_part(contacts.email, '@', 1)

    anti join shared_addresses on shared_addresses.address = contacts.email

    where contacts.email is not null

),

keys as (

    select 'company' as entity, source, source_key, 'cnpj ' || cnpj_root as match_key
    from companies
    where cnpj_root is not null

    union all

    select 'company' as entity, source, source_key, match_key
    from weak_company_keys
    where is_safe

    union all

    select 'contact' as entity, source, source_key, match_key
    from contact_emails

    union all

    select 'contact' as entity, source, source_key, 'linkedin ' || linkedin_key as match_key
    from contacts
    where linkedin_key is not null

),

shared as (

    select * from keys qualify count(*) over (partition by entity, match_key) > 1

)

select * from shared
