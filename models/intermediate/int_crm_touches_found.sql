-- One row per meeting, call, e-mail, message or done task of a CRM, and each record that it hangs on: a human is in touch.

with

records as (

    select * from {{ ref('stg_crm__records') }}

),

activities as (

    select
        crm,
        object,
        crm_id,
        kind,
        record_id,
        facts ->> '$.direction' as direction,
        facts ->> '$.outcome' as outcome,
        try_cast(facts ->> '$.happened_at' as timestamp) as happened_at,
        unnest(from_json(links, '[{"object":"VARCHAR","crm_id":"VARCHAR"}]')) as link

    from records

    where kind in ('meeting', 'call', 'email', 'message')
        or (kind = 'task' and coalesce(try_cast(facts ->> '$.is_done' as boolean), false))

),

final as (

    select
        activities.crm,
        activities.object,
        activities.crm_id,
        activities.kind,
        activities.direction,
        activities.outcome,
        activities.happened_at,
        activities.record_id is not null as is_ours,
        case when parents.kind = 'company' then parents.record_id end as company_id,
        case when parents.kind = 'contact' then parents.record_id end as contact_id,
        case when parents.kind = 'deal' then parents.record_id end as lead_id

    from activities

    join records as parents
        on parents.crm = activities.crm
        and parents.object = activities.link.object
        and parents.crm_id = activities.link.crm_id

    where parents.record_id is not null

)

select * from final
