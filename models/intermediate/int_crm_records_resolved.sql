-- One row per company, person and deal of a CRM, those that are gone included: which of ours it is about. By our id on it, else
-- by that of a record that went into it, else by what it is known by, where just one of ours has it.

with

records as (

    select * from {{ ref('stg_crm__records') }} where kind in ('company', 'contact', 'deal')

),

followed as (

    select * from {{ ref('int_crm_records_followed') }}

),

linked as (

    select * from {{ ref('int_crm_records_linked') }}

),

subjects as (

    select * from {{ ref('int_subjects_resolved') }}

),

company_keys as (

    select * from {{ ref('int_companies_keyed') }}

),

contacts as (

    select * from {{ ref('dim_contacts') }}

),

unique_keys as (

    select named_by, value, min(company_id) as company_id

    from company_keys

    where named_by in ('domain', 'cnpj_root')

    group by all having count(distinct company_id) = 1

),

unique_emails as (

    select lower(email) as email, min(contact_id) as contact_id

    from contacts

    where email is not null

    group by all having count(*) = 1

),

identified as (

    select
        records.* exclude (links, fields, merged_into, record_id),
        followed.own_id,
        case
            when records.kind = 'company'
                then coalesce(subjects.id, followed.own_id, by_cnpj.company_id, by_domain.company_id)
        end as known_company_id,
        case
            when records.kind = 'contact' then coalesce(subjects.id, followed.own_id, unique_emails.contact_id)
        end as contact_id

    from records

    join followed
        on followed.crm = records.crm
        and followed.object = records.object
        and followed.crm_id = records.crm_id

    left join subjects on subjects.entity = records.kind and subjects.subject_id = followed.own_id

    left join unique_keys as by_cnpj
        on by_cnpj.named_by = 'cnpj_root'
        and by_cnpj.value = left(upper(records.facts ->> '$.cnpj'), 8)

    left join unique_keys as by_domain
        on by_domain.named_by = 'domain'
        and by_domain.value = regexp_replace(lower(records.facts ->> '$.domain'), '^www\.', '')

    left join unique_emails on unique_emails.email = lower(records.facts ->> '$.email')

),

placed as (

    select identified.*, coalesce(identified.known_company_id, contacts.company_id) as company_id

    from identified

    left join contacts on contacts.contact_id = identified.contact_id

),

-- what a person or deal hangs on tells the company; of a deal also the person
parents as (

    select
        linked.crm,
        linked.object,
        linked.crm_id,
        min(placed.company_id) filter (where placed.kind = 'company') as company_id,
        min(placed.company_id) filter (where placed.kind = 'contact') as company_of_contact,
        min(placed.contact_id) as contact_id

    from linked

    join placed
        on placed.crm = linked.crm
        and placed.object = linked.to_object
        and placed.crm_id = linked.to_id

    group by all

),

final as (

    select
        placed.* exclude (known_company_id, company_id, contact_id),
        coalesce(placed.company_id, parents.company_id, parents.company_of_contact) as company_id,
        case when placed.kind = 'deal' then parents.contact_id else placed.contact_id end as contact_id,
        case when placed.kind = 'deal' then placed.own_id end as lead_id

    from placed

    left join parents
        on parents.crm = placed.crm
        and parents.object = placed.object
        and parents.crm_id = placed.crm_id

)

select * from final
