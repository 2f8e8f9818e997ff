-- One row per lead that became a deal in a CRM: what came of it, and what its score was when the deal was opened.

with

deals as (

    select *, coalesce(opened_at, modified_at) as begun_at from {{ ref('int_crm_deals_found') }}

),

leads as (

    select * from {{ ref('int_leads_identified') }}

),

history as (

    select * from {{ ref('fct_score_history') }}

),

-- deals that we made are the lead's own; those of people are by whom they hang on
attributed as (

    select deals.* exclude (contact_id), leads.contact_id, 'deal' as via

    from deals

    left join leads on leads.lead_id = deals.lead_id

    where deals.lead_id is not null

    union all by name

    select
        deals.* exclude (lead_id, company_id, contact_id),
        leads.lead_id,
        leads.company_id,
        leads.contact_id,
        case when leads.contact_id = deals.contact_id then 'contact' else 'company' end as via

    from deals

    join leads on leads.contact_id = deals.contact_id or leads.company_id = deals.company_id

    where deals.lead_id is null

),

nearest as (

    select *

    from attributed

    qualify row_number() over (
        partition by lead_id
        order by
            case via when 'deal' then 1 when 'contact' then 2 else 3 end,
            begun_at desc nulls last,
            crm,
            object,
            crm_id
    ) = 1

),

scored as (

    select nearest.crm, nearest.object, nearest.crm_id, history.*

    from nearest

    join history on history.lead_id = nearest.lead_id and history.scored_at <= nearest.begun_at

    qualify row_number() over (
        partition by nearest.lead_id
        order by history.scored_at desc, history.run_id desc, history.score_version
    ) = 1

),

final as (

    select
        -- ids
        nearest.lead_id,
        nearest.company_id,
        nearest.contact_id,
        nearest.crm,
        nearest.object,
        nearest.crm_id,

        -- strings
        nearest.via,
        case when nearest.is_won then 'won' when nearest.is_closed then 'lost' else 'open' end as outcome,
        nearest.pipeline,
        nearest.stage,
        nearest.currency,
        nearest.owner,
        scored.tier as tier_then,
        scored.score_version as score_version_then,

        -- numerics
        nearest.amount,
        scored.score as score_then,

        -- timestamps
        nearest.begun_at as opened_at,
        nearest.closed_at,
        scored.scored_at as scored_at_then

    from nearest

    left join scored on scored.lead_id = nearest.lead_id

)

select * from final
