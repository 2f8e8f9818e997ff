-- One row per company that is somebody's: who owns it in the CRM, else whom it was given to.

with

records as (

    select * from {{ ref('int_crm_records_resolved') }} where kind = 'company' and not is_gone

),

given as (

    select * from {{ source('sync', 'owners') }}

),

in_crm as (

    select company_id, lower(facts ->> '$.owner') as owner, crm as because

    from records

    where company_id is not null
        and (facts ->> '$.owner') is not null

    qualify row_number() over (partition by company_id order by own_id is null, crm, crm_id) = 1

),

final as (

    select
        coalesce(in_crm.company_id, given.company_id) as company_id,
        coalesce(in_crm.owner, given.owner) as owner,
        coalesce(in_crm.because, given.because) as because

    from in_crm

    full join given on given.company_id = in_crm.company_id

)

select * from final
