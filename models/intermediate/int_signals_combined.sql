-- One row per signal of a company: from every provider that knows any, and from what changed in the register.

with

subjects as (

    select * from {{ ref('int_subjects_resolved') }} where entity = 'company'

),

register_events as (

    select * from {{ ref('int_receita_federal__events') }}

),

companies as (

    select * from {{ ref('int_companies_merged') }}

),

half_lives as (

    select * from {{ ref('signal_half_lives') }}

),

told as (

    select * from {{ ref('int_signals_told') }}

),

unioned as (

    select
        told.source,
        subjects.id as company_id,
        told.signal_key,
        told.kind,
        told.observed_on as observed_at,
        told.evidence,
        told.url,
        null::json as row_before,
        null::json as row_after,
        false as is_register_event,
        told.subject_id,
        told.fetched_at

    from told

    join subjects on subjects.subject_id = told.subject_id

    union all

    select
        'receita_federal' as source,
        companies.company_id,
        register_events.event_key as signal_key,
        register_events.kind,
        register_events.happened_on as observed_at,
        register_events.evidence,
        null as url,
        register_events.row_before,
        register_events.row_after,
        true as is_register_event,
        register_events.cnpj_root as subject_id,
        register_events.fetched_at

    from register_events

    join companies on companies.cnpj_root = register_events.cnpj_root

),

combined as (

    select
        'sig_' || left(sha256(concat_ws(chr(31), unioned.company_id, unioned.source, unioned.signal_key)), 20) as signal_id,
        unioned.* exclude (subject_id, signal_key),
        coalesce(half_lives.is_buying, true) as is_buying,
        coalesce(half_lives.half_life_days, 90) as half_life_days,
        -- of a signal without a date, the day it was learnt
        round(
            pow(
                0.5,
                greatest(0, date_diff('day', coalesce(unioned.observed_at, unioned.fetched_at::date), as_of()))
                / coalesce(half_lives.half_life_days, 90)
            ),
            4
        ) as strength

    from unioned

    left join half_lives on half_lives.kind = unioned.kind

    where unioned.kind is not null
        and coalesce(unioned.observed_at, as_of()) <= as_of()

    qualify row_number() over (
        partition by unioned.company_id, unioned.source, unioned.signal_key
        order by unioned.fetched_at desc, unioned.subject_id
    ) = 1

)

select * from combined
