-- One row per company that providers were asked about, or that has buying signals: all of them as a list, and the latest of
-- each kind.

with

signals as (

    select * from {{ ref('int_signals_combined') }}

),

asked as (

    select * from {{ ref('int_subjects_asked') }} where entity = 'company' and field = 'signals'

),

known as (

    select company_id from signals

    union

    select id as company_id from asked

),

ranked as (

    select
        known.company_id,
        signals.* exclude (company_id),
        asked.id is not null as is_asked,
        row_number() over (
            partition by known.company_id order by signals.observed_at desc nulls last, signals.kind, signals.signal_id
        ) as position

    from known

    left join signals on signals.company_id = known.company_id

    left join (select distinct id from asked) as asked on asked.id = known.company_id

),

summarized as (

    select
        company_id,
        coalesce(
            list(
                {
                    'kind': kind,
                    'observed_at': observed_at,
                    'evidence': evidence,
                    'source': source,
                    'strength': strength
                } order by position
            ) filter (where signal_id is not null),
            []
        ) as buying_signals,
        case
            when bool_or(is_asked) or bool_or(not is_register_event)
                then count(signal_id) filter (where is_buying)
        end::integer as signal_count,
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
        arg_min_null(signal_id, position) filter (where kind = 'hiring') as hiring_signal_id,
        arg_min_null(signal_id, position) filter (where kind = 'funding') as funding_signal_id,
        arg_min_null(signal_id, position) filter (where kind = 'expansion') as expansion_signal_id,
        arg_min_null(signal_id, position) filter (where kind = 'leadership_change') as leadership_change_signal_id,
        arg_min_null(signal_id, position) filter (where kind = 'tech_adoption') as tech_adoption_signal_id,
        arg_min_null(signal_id, position) as latest_signal_id,
        arg_min_null(kind, position) as latest_signal_kind,
        arg_min_null(evidence, position) as latest_signal_evidence,
        list(distinct source order by source) filter (where source is not null) as sources,
        max(fetched_at) as fetched_at

    from ranked

    group by company_id

)

select * from summarized
