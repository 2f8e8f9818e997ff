-- One row per deal of a CRM that is there now: how far it has come, whose it is, and which company and lead of ours it is about.

with

resolved as (

    select * from {{ ref('int_crm_records_resolved') }} where kind = 'deal' and not is_gone

),

told as (

    select
        crm,
        object,
        crm_id,
        lead_id,
        company_id,
        contact_id,
        facts ->> '$.pipeline' as pipeline,
        facts ->> '$.stage' as stage,
        try_cast(facts ->> '$.amount' as decimal(18, 2)) as amount,
        facts ->> '$.currency' as currency,
        lower(facts ->> '$.owner') as owner,
        coalesce(try_cast(facts ->> '$.is_closed' as boolean), false) as is_closed,
        coalesce(try_cast(facts ->> '$.is_won' as boolean), false) as is_won,
        is_taken_up,
        try_cast(facts ->> '$.opened_at' as timestamp) as opened_at,
        try_cast(facts ->> '$.closed_at' as timestamp) as closed_at,
        modified_at

    from resolved

)

select * from told
