-- Nobody is disqualified without a reason that can be told.

with

leads as (

    select * from {{ ref('fct_scored_leads') }}

),

offending as (

    select lead_id

    from leads

    where qualification_status = 'disqualified'
        and len(list_filter(coalesce(reasons, []), lambda reason: reason.because is not null)) = 0

)

select * from offending
