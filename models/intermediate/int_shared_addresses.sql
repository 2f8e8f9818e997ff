-- One row per e-mail address or phone that more than three legal entities have: an accountant's, or a landlord's. It stays a
-- fact of each, is no key of any, and nobody is written to at it.

with

establishments as (

    select * from {{ ref('stg_receita_federal__estabelecimentos') }}

),

company_records as (

    select * from {{ ref('int_company_records') }}

),

contact_records as (

    select * from {{ ref('int_contact_records') }}

),

known as (

    select cnpj_root, 'email' as channel, lower(email) as address from establishments

    union all

    select cnpj_root, 'phone' as channel, '55' || area_code || phone_number as address from establishments

    union all

    select cnpj_root, 'phone' as channel, regexp_replace(phone, '[^0-9]', '', 'g') as address from company_records

    union all

    select company_records.cnpj_root, 'email' as channel, contact_records.email as address

    from contact_records

    join company_records
        on company_records.source = contact_records.source
        and company_records.source_key = contact_records.company_source_key

    union all

    select
        company_records.cnpj_root,
        'phone' as channel,
        regexp_replace(contact_records.phone, '[^0-9]', '', 'g') as address

    from contact_records

    join company_records
        on company_records.source = contact_records.source
        and company_records.source_key = contact_records.company_source_key

),

shared as (

    select channel, address, count(distinct cnpj_root)::integer as entity_count

    from known

    where cnpj_root is not null and address <> ''

    group by channel, address

    having count(distinct cnpj_root) > 3

)

select * from shared
