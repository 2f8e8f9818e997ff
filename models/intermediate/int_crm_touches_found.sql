-- One row per meeting, call, e-mail, message or done task of a CRM and each company, person and lead of ours that it is about.

with

records as (

    select * from {{ ref('stg_crm__records') }} where not is_gone

),

linked as (

    select * from {{ ref('int_crm_records_linked') }}

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
        coalesce(try_cast(facts ->> '$.happened_at' as timestamp), modified_at) as happened_at

    from records

    where kind in ('meeting', 'call', 'email', 'message')
        or (kind = 'task' and coalesce(try_cast(facts ->> '$.is_done' as boolean), false))

),

final as (

    select distinct
        activities.*,
        resolved.company_id,
        resolved.contact_id,
        resolved.lead_id

    from activities

    join linked
        on linked.crm = activities.crm
        and linked.object = activities.object
        and linked.crm_id = activities.crm_id

    join resolved
        on resolved.crm = linked.crm
        and resolved.object = linked.to_object
        and resolved.crm_id = linked.to_id

    where coalesce(resolved.company_id, resolved.contact_id, resolved.lead_id) is not null

)

select * from final
