-- How often does every provider know what it is asked for?

with

questions as (

    select * from {{ ref('stg_enrichment__questions') }}

),

counted as (

    select
        field,
        provider,
        count(*) as asked,
        count(*) filter (where is_hit) as found,
        round(100 * count(*) filter (where is_hit) / count(*), 1) as percent_found,
        max(asked_on) as last_asked_on

    from questions

    group by field, provider

    order by field, percent_found desc, provider

)

select * from counted
