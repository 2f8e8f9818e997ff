-- One row per lead whose person is one of the ICP's personas: the first that fits. A persona fits by one of its titles, or by
-- its seniorities and departments, as far as it names any. Personas count where their profile is not known to refuse the company.

with

leads as (

    select * from {{ ref('int_leads_identified') }}

),

contacts as (

    select * from {{ ref('dim_contacts') }}

),

matches as (

    select * from {{ ref('icp_matches') }} where is_match is not false

),

personas as (

    select * from {{ ref('icp_personas') }}

),

titles as (

    select
        profile,
        persona,
        trim(regexp_replace(lower(strip_accents(unnest(titles))), '[^a-z0-9]+', ' ', 'g')) as title_key

    from personas

),

known_titles as (

    select distinct
        title,
        trim(regexp_replace(lower(strip_accents(title)), '[^a-z0-9]+', ' ', 'g')) as title_key

    from contacts

    where title is not null

),

fitting_titles as (

    select distinct titles.profile, titles.persona, known_titles.title

    from known_titles

    join titles on contains(' ' || known_titles.title_key || ' ', ' ' || titles.title_key || ' ')

    where titles.title_key <> ''

),

matched as (

    select leads.lead_id, personas.persona, personas.profile

    from leads

    join contacts on contacts.contact_id = leads.contact_id

    join matches on matches.company_id = leads.company_id

    join personas on personas.profile = matches.profile

    left join fitting_titles
        on fitting_titles.profile = personas.profile
        and fitting_titles.persona = personas.persona
        and fitting_titles.title = contacts.title

    where fitting_titles.title is not null
        or (
            len(personas.seniorities) + len(personas.departments) > 0
            and (len(personas.seniorities) = 0 or list_contains(personas.seniorities, contacts.seniority))
            and (len(personas.departments) = 0 or list_contains(personas.departments, contacts.department))
        )

    qualify row_number() over (
        partition by leads.lead_id
        order by matches.is_match desc nulls last, personas.position, personas.profile, personas.persona
    ) = 1

)

select * from matched
