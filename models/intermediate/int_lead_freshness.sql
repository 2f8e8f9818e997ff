-- One row per lead of whose company or person some field was ever asked for: when each was last, and which are stale.

with

leads as (

    select * from {{ ref('int_leads_identified') }}

),

asked as (

    select * from {{ ref('int_subjects_asked') }}

),

limits as (

    select * from {{ ref('enrichment_fields') }}

),

subjects as (

    select lead_id, 'company' as entity, company_id as id from leads

    union all

    select lead_id, 'contact' as entity, contact_id as id from leads where contact_id is not null

),

dated as (

    select
        subjects.lead_id,
        asked.field,
        asked.asked_on,
        as_of() - asked.asked_on >= limits.ttl_days as is_stale

    from subjects

    join asked
        on asked.entity = subjects.entity
        and asked.id = subjects.id

    join limits on limits.field = asked.field

),

summarized as (

    select
        lead_id,
        list({'field': field, 'checked_on': asked_on} order by field) as field_freshness,
        coalesce(list(field order by field) filter (where is_stale), []) as stale_fields

    from dated

    group by lead_id

)

select * from summarized
