-- One row per company with buying signals: all of them as a list, and the latest of each kind.

with

signals as (

    select * from {{ ref('int_signals_combined') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by company_id order by observed_at desc nulls last, kind, signal_id
        ) as position

    from signals

),

summarized as (

    select
        company_id,
        list(
            {'kind': kind, 'observed_at': observed_at, 'evidence': evidence, 'source': source} order by position
        ) as buying_signals,
        count(*)::integer as signal_count,
        max(observed_at) as latest_signal_at,
        max(observed_at) filter (where kind = 'hiring') as hiring_signal_at,
        max(observed_at) filter (where kind = 'funding') as funding_signal_at,
        max(observed_at) filter (where kind = 'expansion') as expansion_signal_at,
        max(observed_at) filter (where kind = 'leadership_change') as leadership_change_signal_at,
        max(observed_at) filter (where kind = 'tech_adoption') as tech_adoption_signal_at,
        arg_min_null(evidence, position) filter (where kind = 'hiring') as hiring_evidence,
        arg_min_null(evidence, position) filter (where kind = 'funding') as funding_evidence,
        arg_min_null(evidence, position) filter (where kind = 'expansion') as expansion_evidence,
        arg_min_null(evidence, position) filter (where kind = 'leadership_change') as leadership_change_evidence,
        arg_min_null(evidence, position) filter (where kind = 'tech_adoption') as tech_adoption_evidence,
        list(distinct source order by source) as sources,
        max(fetched_at) as fetched_at

    from ranked

    group by company_id

)

select * from summarized
