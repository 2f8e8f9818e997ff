-- One row per company record of a CRM that we are already in business with, or against: customers, competitors, open deals.
-- What the CRM's plug-in makes of its properties (`facts`) goes first; the names of properties that follow are common ones.

with

records as (

    select * from {{ ref('stg_crm__records') }}

),

companies as (

    select
        crm,
        crm_id,
        record_id as company_id,
        facts ->> '$.relationship' as told,
        lower(coalesce(
            facts ->> '$.domain', fields ->> '$.domain', fields ->> '$.website', fields ->> '$.Website', fields ->> '$.url'
        )) as address,
        upper(regexp_replace(coalesce(facts ->> '$.cnpj', fields ->> '$.cnpj', fields ->> '$.CNPJ__c', ''), '[./ -]', '', 'g')) as cnpj,
        lower(coalesce(fields ->> '$.lifecyclestage', '')) as lifecycle,
        lower(coalesce(fields ->> '$.type', fields ->> '$.Type', '')) as type,
        coalesce(try_cast(fields ->> '$.hs_num_open_deals' as integer), 0) as open_deals

    from records

    where kind = 'company' or lower(object) in ('companies', 'company', 'accounts', 'account')

),

deals as (

    select
        crm,
        coalesce(
            fields ->> '$.AccountId', fields ->> '$.company_id', fields ->> '$.associatedcompanyid',
            list_filter(
                from_json(links, '[{"object":"VARCHAR","crm_id":"VARCHAR"}]'),
                lambda link: lower(link.object) in ('companies', 'company', 'accounts', 'account')
            )[1].crm_id
        ) as crm_id

    from records

    where (kind = 'deal' or lower(object) in ('deals', 'deal', 'opportunities', 'opportunity'))
        and not coalesce(
            try_cast(facts ->> '$.is_closed' as boolean),
            try_cast(coalesce(fields ->> '$.IsClosed', fields ->> '$.hs_is_closed') as boolean),
            lower(coalesce(fields ->> '$.dealstage', '')) in ('closedwon', 'closedlost')
        )

),

known as (

    select
        companies.crm,
        companies.crm_id,
        companies.company_id,
        nullif(regexp_replace(regexp_replace(companies.address, '^[a-z]+://', ''), '^www\.|[/?#].*$', '', 'g'), '')
            as domain,
        nullif(left(companies.cnpj, 8), '') as cnpj_root,
        case
            when companies.told is not null then companies.told
            when companies.lifecycle in ('customer', 'evangelist') or starts_with(companies.type, 'customer')
                then 'customer'
            when companies.type = 'competitor' then 'competitor'
            when companies.open_deals > 0 or deals.crm_id is not null then 'open_deal'
        end as relationship

    from companies

    left join (select distinct crm, crm_id from deals where crm_id is not null) as deals
        on deals.crm = companies.crm
        and deals.crm_id = companies.crm_id

)

select * from known where relationship is not null
