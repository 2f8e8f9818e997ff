-- One row per lead: its score, why, and what is to be done with it.

with

scores as (

    select * from {{ ref('lead_scores') }}

),

final as (

    select
        -- ids
        lead_id,

        -- numerics
        score,
        fit_score,
        intent_score,
        score_possible,

        -- strings
        tier,
        qualification_status,
        needs_data,
        reasons,
        deal_brief,
        score_version,
        owner,

        -- booleans
        budget_signal,
        authority_signal,
        need_signal,
        timeline_signal,

        -- timestamps
        scored_at

    from scores

)

select * from final
