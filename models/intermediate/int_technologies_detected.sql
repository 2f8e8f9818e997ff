-- One row per company and technology that some provider saw there within the last two years.

with

apollo_organizations as (

    select * from {{ ref('stg_apollo__organizations') }}

),

builtwith_technologies as (

    select * from {{ ref('int_builtwith__technologies') }}

),

dns_domains as (

    select * from {{ ref('stg_dns__domains') }}

),

hunter_organizations as (

    select * from {{ ref('stg_hunter__organizations') }}

),

mock_tech_stacks as (

    select * from {{ ref('stg_mock__tech_stacks') }}

),

website_sites as (

    select * from {{ ref('stg_website__sites') }}

),

subjects as (

    select * from {{ ref('int_subjects_resolved') }} where entity = 'company'

),

unioned as (

    select 'mock' as source, subject_id, technology, category, first_seen_on, last_seen_on, fetched_at
    from mock_tech_stacks

    union all by name

    select 'dns' as source, subject_id, technology, 'mail' as category, fetched_at
    from (select subject_id, fetched_at, unnest(list_concat(mail_providers, senders)) as technology from dns_domains)

    union all by name

    select 'website' as source, subject_id, found.technology, found.category, fetched_at::date as last_seen_on, fetched_at
    from (select subject_id, fetched_at, unnest(technologies) as found from website_sites)

    union all by name

    select 'apollo' as source, subject_id, found.name as technology, found.category as category, fetched_at
    from (select subject_id, fetched_at, unnest(technologies) as found from apollo_organizations)

    union all by name

    select 'hunter' as source, subject_id, unnest(technologies) as technology, seen_on as last_seen_on, fetched_at
    from hunter_organizations

    union all by name

    select 'builtwith' as source, subject_id, technology, category, first_seen_on, last_seen_on, fetched_at
    from builtwith_technologies

),

-- Who runs the mail says nothing of what else is in use, or is not: alone it does not make a stack known.
stacks as (

    select * from unioned

    where source <> 'dns' or subject_id in (select others.subject_id from unioned as others where others.source <> 'dns')

),

detected as (

    select
        subjects.id as company_id,
        min(stacks.technology) as technology,
        min(stacks.category) as category,
        min(stacks.first_seen_on) as first_seen_on,
        max(stacks.last_seen_on) as last_seen_on,
        list(distinct stacks.source order by stacks.source) as sources,
        max(stacks.fetched_at) as fetched_at

    from stacks

    join subjects on subjects.subject_id = stacks.subject_id

    where stacks.technology is not null

    group by subjects.id, lower(stacks.technology)

    having coalesce(max(stacks.last_seen_on), as_of()) >= as_of() - interval 2 years

)

select * from detected
