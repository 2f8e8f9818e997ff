-- One row per lead that is not written to now, whatever a sequence wants, and why: the first of the reasons that hold.

with

leads as (

    select * from {{ ref('int_leads_identified') }}

),

contacts as (

    select * from {{ ref('dim_contacts') }}

),

excluded as (

    select * from {{ ref('int_companies_excluded') }}

),

opted_out as (

    select * from {{ ref('int_crm_opt_outs_found') }}

),

touches as (

    select * from {{ ref('fct_lead_touches') }}

),

acts as (

    select * from {{ ref('lead_acts') }}

),

owned as (

    select * from {{ ref('int_companies_owned') }}

),

-- e-mail addresses alone: the id that a CRM has of somebody tells nothing of who it is elsewhere
named as (

    select leads.company_id, lower(coalesce(acts.assigned_to, owned.owner)) as owner

    from leads

    left join acts on acts.lead_id = leads.lead_id

    left join owned on owned.company_id = leads.company_id

    union

    select company_id, lower(owner) as owner

    from touches

    where next_at is not null
        or last_at >= as_of() - interval 90 day

),

contested as (

    select company_id from named where contains(owner, '@') group by company_id having count(distinct owner) > 1

),

held as (

    select leads.lead_id, 1 as place, 'company_known: ' || excluded.reason as reason, null::date as until

    from leads

    join excluded on excluded.company_id = leads.company_id

    union all

    select leads.lead_id, 2, 'opted_out_in_crm', null

    from leads

    join contacts on contacts.contact_id = leads.contact_id

    where lower(trim(contacts.email)) in (select email from opted_out)
        or leads.contact_id in (select contact_id from opted_out)

    union all

    select lead_id, 3, 'snoozed', snoozed_until from acts where snoozed_until > as_of()

    union all

    select
        lead_id,
        case via when 'lead' then 4 else 6 end,
        case via when 'lead' then 'human_in_touch: ' else 'colleague_in_touch: ' end || kind,
        (coalesce(next_at, last_at) + case via when 'lead' then interval 90 day else interval 30 day end)::date

    from touches

    where next_at is not null
        or last_at >= as_of() - case via when 'lead' then interval 90 day else interval 30 day end

    union all

    select leads.lead_id, 5, 'account_conflict', null

    from leads

    join contested on contested.company_id = leads.company_id

),

final as (

    select lead_id, arg_min(reason, (place, reason)) as reason, arg_min_null(until, (place, reason)) as until

    from held

    group by lead_id

)

select * from final
