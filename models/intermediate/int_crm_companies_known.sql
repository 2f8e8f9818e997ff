-- One row per company record of a CRM that we are already in business with, or against: customers, competitors, open deals.
-- What the CRM's plug-in makes of its properties (`facts`) goes first; the names of properties that follow are common ones. A
-- deal that we made ourselves is none, until people take it up.

with

records as (

    select * from {{ ref('stg_crm__records') }} where not is_gone

),

followed as (

    select * from {{ ref('int_crm_records_followed') }}

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
        record_id is not null and not is_taken_up as is_ours,
        coalesce(
            try_cast(facts ->> '$.is_closed' as boolean),
            try_cast(coalesce(fields ->> '$.IsClosed', fields ->> '$.hs_is_closed') as boolean),
            lower(coalesce(fields ->> '$.dealstage', '')) in ('closedwon', 'closedlost')
        ) as is_closed,
        coalesce(
            try_cast(facts ->> '$.is_won' as boolean),
            try_cast(coalesce(fields ->> '$.IsWon', fields ->> '$.hs_is_closed_won') as boolean),
            lower(coalesce(fields ->> '$.dealstage', '')) = 'closedwon'
        ) as is_won,
        unnest(coalesce(
            nullif(
                list_transform(
                    list_filter(
                        from_json(links, '[{"object":"VARCHAR","crm_id":"VARCHAR"}]'),
                        lambda link: lower(link.object) in ('companies', 'company', 'accounts', 'account')
                    ),
                    lambda link: link.crm_id
                ),
                []
            ),
            [coalesce(fields ->> '$.AccountId', fields ->> '$.company_id', fields ->> '$.associatedcompanyid')]
        )) as crm_id

    from records

    where kind = 'deal' or lower(object) in ('deals', 'deal', 'opportunities', 'opportunity')

),

-- a deal may still hang on a company that was merged into another
in_deals as (

    select
        deals.crm,
        coalesce(followed.now_id, deals.crm_id) as crm_id,
        bool_or(deals.is_won) as is_customer,
        bool_or(not deals.is_closed and not deals.is_ours) as is_in_open_deal

    from deals

    left join followed
        on followed.crm = deals.crm
        and followed.crm_id = deals.crm_id
        and lower(followed.object) in ('companies', 'company', 'accounts', 'account')

    where deals.crm_id is not null

    group by all

),

-- the CRM's own count says nothing of whose deals they are, and is asked only where no deal is to be seen
with_deals as (

    select distinct crm from deals

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
            when in_deals.is_customer then 'customer'
            when in_deals.is_in_open_deal then 'open_deal'
            when companies.open_deals > 0 and with_deals.crm is null then 'open_deal'
        end as relationship

    from companies

    left join in_deals
        on in_deals.crm = companies.crm
        and in_deals.crm_id = companies.crm_id

    left join with_deals on with_deals.crm = companies.crm

)

select * from known where relationship is not null
