-- One row per record that shares a key: the lowest number among all records it is connected with, however long the chain.
-- Every round, each record and the record it points to take the lowest number on offer among those they share a key with,
-- and then skip to where that one points: chains halve, so the rounds grow with the logarithm of the longest.

with recursive

match_keys as (

    select * from {{ ref('int_match_keys') }}

),

numbered as (

    select
        dense_rank() over (order by entity, source, source_key) as record,
        dense_rank() over (order by entity, match_key) as match_key,
        entity,
        source,
        source_key

    from match_keys

),

rounds as (

    select distinct 0 as round, record, record as lowest, true as has_moved

    from numbered

    union all

    (

        with

        latest as (

            select * from rounds where (select bool_or(has_moved) from rounds)

        ),

        ahead as (

            select latest.round, latest.record, latest.lowest, pointed.lowest as lowest_ahead

            from latest

            join latest as pointed on pointed.record = latest.lowest

        ),

        by_key as (

            select numbered.match_key, min(ahead.lowest_ahead) as lowest

            from numbered

            join ahead on ahead.record = numbered.record

            group by numbered.match_key

        ),

        offers as (

            select numbered.record, ahead.lowest as pointed, by_key.lowest

            from numbered

            join by_key on by_key.match_key = numbered.match_key

            join ahead on ahead.record = numbered.record

        ),

        taken as (

            select record, lowest from offers

            union all

            select pointed, lowest from offers

            union all

            select record, lowest_ahead from ahead

        ),

        best as (

            select record, min(lowest) as lowest from taken group by record

        )

        select ahead.round + 1 as round, best.record, best.lowest, best.lowest < ahead.lowest as has_moved

        from best

        join ahead on ahead.record = best.record

    )

),

settled as (

    select record, lowest from rounds where round = (select max(round) from rounds)

),

records as (

    select distinct record, entity, source, source_key from numbered

),

connected as (

    select records.entity, records.source, records.source_key, settled.lowest as component

    from records

    join settled on settled.record = records.record

)

select * from connected
