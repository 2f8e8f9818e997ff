-- One row per meeting, call, e-mail, message or done task of a CRM and each company, person and lead of ours that it is about.

with

records as (

    select * from {{ ref('stg_crm__records') }} where not is_gone

),

resolved as (

    select * from {{ ref('int_crm_records_resolved') }}

),

activities as (

    select
        crm,
        object,
        crm_id,
        kind,
        record_id is not null as is_ours,
        facts ->> '$.direction' as direction,
        facts ->> '$.outcome' as outcome,
        lower(facts ->> '$.owner') as owner,
        coalesce(try_cast(facts ->> '$.happened_at' as timestamp), modified_at) as happened_at,
        unnest(from_json(links, '[{"object":"VARCHAR","crm_id":"VARCHAR"}]')) as link

    from records

    where kind in ('meeting', 'call', 'email', 'message')
        or (kind = 'task' and coalesce(try_cast(facts ->> '$.is_done' as boolean), false))

),

final as (

    select distinct
        activities.* exclude (link),
        resolved.company_id,
        resolved.contact_id,
        resolved.lead_id

    from activities

    join resolved
        on resolved.crm = activities.crm
        and resolved.object = activities.link.object
        and resolved.crm_id = activities.link.crm_id

    where coalesce(resolved.company_id, resolved.contact_id, resolved.lead_id) is not null

)

select * from final
