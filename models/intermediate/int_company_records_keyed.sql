-- One row per company record: the exact keys by which it may be the same company as another record.

with

records as (

    select * from {{ ref('int_company_records') }}

),

registrable_domains as (

    select * from {{ ref('registrable_domains') }}

),

free_mail_domains as (

    select * from {{ ref('free_mail_domains') }}

),

shared_hosts as (

    select * from {{ ref('shared_hosts') }}

),

own_domains as (

    select registrable_domains.host, registrable_domains.registrable_domain as domain

    from registrable_domains

    anti join free_mail_domains on free_mail_domains.domain = registrable_domains.registrable_domain

    where not exists (
        select 1

        from shared_hosts

        where shared_hosts.host = registrable_domains.host
            or ends_with(registrable_domains.host, '.' || shared_hosts.host)
    )

),

keyed as (

    select
        records.source,
        records.source_key,
        records.cnpj_root,
        own_domains.domain,
        records.linkedin_key

    from records

    left join own_domains on own_domains.host = records.host

)

select * from keyed
