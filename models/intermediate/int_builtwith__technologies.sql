-- One row per company and technology that is still on some address of its site: seen there within a month of the last look.

with

domains as (

    select * from {{ ref('stg_builtwith__domains') }}

),

paths as (

    select subject_id, fetched_at, unnest(paths) as path from domains

),

seen as (

    select
        subject_id,
        fetched_at,
        try_cast(path ->> '$.LastIndexed' as bigint) as indexed_at,
        unnest(json_extract(path, '$.Technologies[*]')) as technology

    from paths

),

dated as (

    -- milliseconds where the number is that large, else seconds
    select
        subject_id,
        fetched_at,
        technology ->> '$.Name' as technology,
        coalesce(technology ->> '$.Categories[0]', technology ->> '$.Tag') as category,
        list_transform(
            [indexed_at, try_cast(technology ->> '$.FirstDetected' as bigint), try_cast(technology ->> '$.LastDetected' as bigint)],
            lambda moment: epoch_ms(case when moment >= 100000000000 then moment else moment * 1000 end)::date
        ) as days

    from seen

),

technologies as (

    select
        subject_id,
        technology,
        min(category) as category,
        min(days[2]) as first_seen_on,
        max(days[3]) as last_seen_on,
        max(fetched_at) as fetched_at

    from dated

    where technology is not null

    group by subject_id, technology

    having bool_or(coalesce(days[3] >= days[1] - 31, true))

)

select * from technologies
