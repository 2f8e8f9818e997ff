-- One row per lead and change of its score, tier, status or card: what held from `scored_at` until the lead's next row.

with

histories as (

    select * from {{ ref('stg_scoring__histories') }}

),

final as (

    select
        -- ids
        lead_id,
        run_id,

        -- numerics
        score,
        round(score - lag(score) over lead_history, 4) as score_change,

        -- strings
        tier,
        lag(tier) over lead_history as previous_tier,
        qualification_status,
        score_version,

        -- booleans
        lead(scored_at) over lead_history is null as is_latest,

        -- timestamps
        scored_at

    from histories

    window lead_history as (partition by lead_id order by scored_at, load_id)

)

select * from final
