-- One row per lead and change of its score, tier, status or card.

with

source as (

    select * from {{ source('scoring', 'history') }}

),

renamed as (

    select
        -- ids
        lead_id,
        run_id,
        _load as load_id,

        -- strings
        tier,
        qualification_status,
        score_version,

        -- numerics
        score,

        -- dates and timestamps
        scored_at

    from source

)

select * from renamed
