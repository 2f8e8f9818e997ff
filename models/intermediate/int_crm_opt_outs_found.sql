-- One row per address that a CRM says wants no mail from anybody.

with

people as (

    select * from {{ ref('stg_crm__records') }} where kind = 'contact'

),

opted_out as (

    select crm, lower(facts ->> '$.email') as email, min(record_id) as contact_id

    from people

    where try_cast(facts ->> '$.opted_out' as boolean)
        and (facts ->> '$.email') is not null

    group by all

)

select * from opted_out
