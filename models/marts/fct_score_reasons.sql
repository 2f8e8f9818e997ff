-- One row per lead and reason of its score. The points of a lead sum to its score.

with

scores as (

    select * from {{ ref('lead_scores') }}

),

numbered as (

    select lead_id, score_version, scored_at, unnest(reasons) as reason, generate_subscripts(reasons, 1) as position

    from scores

),

final as (

    select
        -- ids
        lead_id,
        position::integer as position,

        -- strings
        reason.rule as rule,
        reason.because as because,
        reason.evidence as evidence,
        score_version,

        -- numerics
        reason.points as points,

        -- timestamps
        scored_at

    from numbered

)

select * from final
