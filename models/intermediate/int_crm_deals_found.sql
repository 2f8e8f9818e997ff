-- One row per deal of a CRM that is there now: how far it has come, whose it is, and which lead of ours it is about.

with

records as (

    select * from {{ ref('stg_crm__records') }} where kind = 'deal'

),

companies as (

    select * from {{ ref('stg_crm__records') }} where kind = 'company'

),

told as (

    select
        crm,
        object,
        crm_id,
        record_id as lead_id,
        facts ->> '$.pipeline' as pipeline,
        facts ->> '$.stage' as stage,
        try_cast(facts ->> '$.amount' as decimal(18, 2)) as amount,
        facts ->> '$.currency' as currency,
        lower(facts ->> '$.owner') as owner,
        coalesce(try_cast(facts ->> '$.is_closed' as boolean), false) as is_closed,
        coalesce(try_cast(facts ->> '$.is_won' as boolean), false) as is_won,
        try_cast(facts ->> '$.closed_at' as timestamp) as closed_at,
        modified_at,
        from_json(links, '[{"object":"VARCHAR","crm_id":"VARCHAR"}]') as links

    from records

),

hung as (

    select crm, object, crm_id, unnest(links) as link from told

),

owned as (

    select hung.crm, hung.object, hung.crm_id, min(companies.record_id) as company_id

    from hung

    join companies
        on companies.crm = hung.crm
        and companies.object = hung.link.object
        and companies.crm_id = hung.link.crm_id

    group by all

),

final as (

    select told.* exclude (links), owned.company_id

    from told

    left join owned
        on owned.crm = told.crm
        and owned.object = told.object
        and owned.crm_id = told.crm_id

)

select * from final
