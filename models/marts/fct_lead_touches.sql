-- One row per lead that a human of ours is or was in touch with, and how near: with the person or about the lead (`lead`), or
-- with the company or somebody else there (`company`). By what people logged in the CRM and the deals that they work on.

with

touches as (

    select * from {{ ref('int_crm_touches_found') }}

),

deals as (

    select * from {{ ref('int_crm_deals_found') }}

),

leads as (

    select * from {{ ref('int_leads_identified') }}

),

-- a meeting that was called off is none; a deal that we made and nobody touched is nobody's
told as (

    select crm, object, crm_id, kind, direction, owner, happened_at as since, happened_at, company_id, contact_id, lead_id

    from touches

    where not is_ours
        and coalesce(upper(outcome), '') not in ('CANCELED', 'CANCELLED')

    union all

    select
        crm,
        object,
        crm_id,
        'deal' as kind,
        null as direction,
        owner,
        coalesce(opened_at, modified_at) as since,
        case when is_closed then coalesce(closed_at, modified_at) else modified_at end as happened_at,
        company_id,
        contact_id,
        lead_id

    from deals

    where lead_id is null
        or is_taken_up
        or is_closed

),

reached as (

    select leads.lead_id, leads.company_id, leads.contact_id, 'lead' as via, told.* exclude (lead_id, company_id, contact_id)

    from leads

    join told on told.lead_id = leads.lead_id or told.contact_id = leads.contact_id

    union

    select leads.lead_id, leads.company_id, leads.contact_id, 'company', told.* exclude (lead_id, company_id, contact_id)

    from leads

    join told on told.company_id = leads.company_id

),

dated as (

    select *, happened_at >= as_of() + interval 1 day as is_ahead, (happened_at, crm, object, crm_id) as place from reached

),

final as (

    select
        -- ids
        lead_id,
        company_id,
        contact_id,

        -- strings
        via,
        coalesce(
            arg_max(kind, place) filter (where is_ahead is not true),
            arg_min(kind, place) filter (where is_ahead)
        ) as kind,
        arg_max(direction, place) filter (where is_ahead is not true) as direction,
        coalesce(
            arg_max(owner, place) filter (where owner is not null and is_ahead is not true),
            arg_min(owner, place) filter (where owner is not null)
        ) as owner,
        list(distinct crm order by crm) as crms,

        -- numerics
        count(distinct (crm, object, crm_id)) as touch_count,

        -- timestamps
        min(since) as since,
        max(happened_at) filter (where is_ahead is not true) as last_at,
        min(happened_at) filter (where is_ahead) as next_at

    from dated

    group by all

)

select * from final
