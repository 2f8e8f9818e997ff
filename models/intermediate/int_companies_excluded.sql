-- One row per company on which no credit is spent, to which nobody writes and which is not synced: it is suppressed, or we
-- already know it, or it is the same legal entity, has the same domain, or is a subsidiary of one that is.

with

named as (

    select * from {{ ref('int_company_exclusions_named') }}

),

company_keys as (

    select * from {{ ref('int_companies_keyed') }}

),

partners as (

    select * from {{ ref('stg_receita_federal__socios') }} where partner_type_code = '1'

),

direct as (

    select company_keys.company_id, named.reason, named.origin, named.named_by as via

    from named

    join company_keys
        on company_keys.named_by = named.named_by
        and company_keys.value = named.value

),

-- what shares a legal entity or a domain with one of these
shared as (

    select others.company_id, direct.reason, direct.origin, 'same_' || own.named_by as via

    from direct

    join company_keys as own on own.company_id = direct.company_id

    join company_keys as others
        on others.named_by = own.named_by
        and others.value = own.value
        and others.company_id <> own.company_id

    where own.named_by in ('cnpj_root', 'domain')

),

-- legal entities of these, known to us or not, and those of which one of them is a partner
entities as (

    select company_keys.value as cnpj_root, reached.reason, reached.origin

    from (select company_id, reason, origin from direct union select company_id, reason, origin from shared) as reached

    join company_keys on company_keys.company_id = reached.company_id and company_keys.named_by = 'cnpj_root'

    union

    select value, reason, origin from named where named_by = 'cnpj_root'

),

subsidiaries as (

    select company_keys.company_id, entities.reason, entities.origin, 'subsidiary' as via

    from entities

    join partners on left(partners.masked_document, 8) = entities.cnpj_root

    join company_keys on company_keys.named_by = 'cnpj_root' and company_keys.value = partners.cnpj_root

),

excluded as (

    select company_id, reason, origin, via, 1 as distance from direct

    union all

    select company_id, reason, origin, via, 2 from shared

    union all

    select company_id, reason, origin, via, 3 from subsidiaries

),

nearest as (

    select company_id, reason, origin, via

    from excluded

    qualify row_number() over (
        partition by company_id
        order by distance, reason = 'suppressed' desc, reason, origin, via
    ) = 1

)

select * from nearest
