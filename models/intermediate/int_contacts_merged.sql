-- One row per person: for every field the value of the record that is believed first among those that know it.

with

identified as (

    select * from {{ ref('int_contacts_identified') }}

),

records as (

    select * from {{ ref('int_contact_records') }}

),

titles as (

    select * from {{ ref('int_titles_classified') }}

),

source_precedence as (

    select * from {{ ref('source_precedence') }} where field = '*'

),

ranked as (

    select
        identified.contact_id,
        identified.company_id,
        identified.since,
        records.* exclude (company_source_key, discovered_at),
        row_number() over (
            partition by identified.contact_id
            order by
                coalesce(source_precedence.precedence, 1000),
                records.updated_at desc nulls last,
                records.source,
                records.source_key
        ) as position

    from identified

    join records
        on records.source = identified.source
        and records.source_key = identified.source_key

    left join source_precedence on source_precedence.source = records.source

),

believed as (

    select
        contact_id,
        arg_min(company_id, position) as company_id,
        arg_min(full_name, position) as full_name,
        arg_min(title, position) as title,
        arg_min(title_key, position) as title_key,
        arg_min(email, position) as email,
        arg_min(linkedin_url, position) as linkedin_url,
        arg_min(phone, position) as phone,
        bool_or(has_malformed_email) as has_malformed_email,
        arg_min(source, (since, source, source_key)) as source,
        list(distinct source order by source) as sources,
        min(since) as discovered_at

    from ranked

    group by contact_id

),

merged as (

    select
        believed.*,
        titles.seniority,
        titles.department,
        case when believed.email is not null then 'unknown' end as email_status

    from believed

    left join titles on titles.title_key = believed.title_key

)

select * from merged
