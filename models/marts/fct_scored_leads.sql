-- One row per lead: its score, why, and what is to be done with it.

with

scores as (

    select * from {{ ref('lead_scores') }}

),

leads as (

    select * from {{ ref('fct_enriched_leads') }}

),

final as (

    select
        -- ids
        scores.lead_id,
        leads.company_id,
        leads.contact_id,

        -- numerics
        scores.score,
        scores.fit_score,
        scores.intent_score,
        scores.score_possible,

        -- strings
        scores.tier,
        scores.qualification_status,
        scores.needs_data,
        scores.reasons,
        scores.would_raise,
        scores.deal_brief,
        scores.brief_evidence,
        scores.score_version,
        scores.owner,

        -- booleans
        scores.budget_signal,
        scores.authority_signal,
        scores.need_signal,
        scores.timeline_signal,

        -- timestamps
        scores.scored_at

    from scores

    left join leads on leads.lead_id = scores.lead_id

)

select * from final
