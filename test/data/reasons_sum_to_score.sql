-- The reasons of a score explain all of it.

with

leads as (

    select * from {{ ref('fct_scored_leads') }}

),

reasons as (

    select lead_id, sum(points) as points

    from {{ ref('fct_score_reasons') }}

    group by lead_id

),

offending as (

    select leads.lead_id, leads.score, reasons.points

    from leads

    left join reasons on reasons.lead_id = leads.lead_id

    where abs(coalesce(reasons.points, 0) - leads.score) > 0.00005

)

select * from offending
