-- One row per lead: a company that is not known to fail the ICP nor to be closed, with each of its people, or alone.

with

companies as (

    select * from {{ ref('dim_companies') }}

),

contacts as (

    select * from {{ ref('dim_contacts') }}

),

leads as (

    select
        'lead_' || left(sha256(companies.company_id || chr(31) || coalesce(contacts.contact_id, '')), 20) as lead_id,
        companies.company_id,
        contacts.contact_id,
        greatest(companies.discovered_at, contacts.discovered_at) as discovered_at

    from companies

    left join contacts on contacts.company_id = companies.company_id

    where companies.is_icp_match is not false
        and coalesce(companies.registration_status, 'active') not in ('closed', 'void')

)

select * from leads
