-- One row per person record of every source, in one spelling. Nothing is merged yet.

with

apollo_people as (

    select * from {{ ref('stg_apollo__people') }}

),

mock_contacts as (

    select * from {{ ref('stg_mock__contacts') }}

),

receita_federal_contacts as (

    select * from {{ ref('int_receita_federal__contacts') }}

),

unioned as (

    select
        'mock' as source,
        contact_key as source_key,
        company_key as company_source_key,
        full_name,
        title,
        email,
        linkedin_url,
        phone,
        updated_on as updated_at,
        fetched_at as discovered_at

    from mock_contacts

    union all

    select
        'receita_federal' as source,
        partner_key as source_key,
        cnpj_root as company_source_key,
        full_name,
        title,
        null as email,
        null as linkedin_url,
        null as phone,
        fetched_at::date as updated_at,
        fetched_at as discovered_at

    from receita_federal_contacts

    union all by name

    select
        'apollo' as source,
        contact_key as source_key,
        company_key as company_source_key,
        masked_name as full_name,
        title,
        coalesce(refreshed_on, fetched_at::date) as updated_at,
        fetched_at as discovered_at

    from apollo_people

),

spelled as (

    select
        *,
        nullif(
            regexp_extract(
                lower(email),
                '^[a-z0-9_%+''-]+(?:\.[a-z0-9_%+''-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$'
            ),
            ''
        ) as valid_email,
        nullif(regexp_extract(lower(linkedin_url), 'linkedin\.com/((?:in|pub)/[^/?#\s]+)', 1), '') as linkedin_key

    from unioned

),

final as (

    select
        -- ids
        source,
        source_key,
        company_source_key,
        valid_email as email,
        split_part(valid_email, '@', 2) as email_host,
        linkedin_key,

        -- strings
        full_name,
        trim(regexp_replace(lower(strip_accents(full_name)), '[^a-z0-9]+', ' ', 'g')) as name_key,
        title,
        trim(regexp_replace(lower(strip_accents(title)), '[^a-z0-9]+', ' ', 'g')) as title_key,
        linkedin_url,
        phone,

        -- booleans
        email is not null and valid_email is null as has_malformed_email,

        -- dates and timestamps
        updated_at,
        discovered_at

    from spelled

)

select * from final
