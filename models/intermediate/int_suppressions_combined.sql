-- One row per person, domain, legal entity or company that is never to be touched, whoever says so: people here, or the CRM.

with

suppressions as (

    select * from {{ ref('stg_ledger__suppressions') }}

),

crm_opt_outs as (

    select * from {{ ref('int_crm_opt_outs_found') }}

),

said as (

    select suppressed_by, suppressed_value, 'suppress' as origin, reason, since

    from suppressions

    union all

    select 'email', email, crm, 'opted out there', said_at

    from crm_opt_outs

    where email is not null

    union all

    select 'contact_id', contact_id, crm, 'opted out there', said_at

    from crm_opt_outs

    where contact_id is not null

),

final as (

    select *

    from said

    qualify row_number() over (
        partition by suppressed_by, suppressed_value
        order by origin = 'suppress' desc, since, origin, reason
    ) = 1

)

select * from final
