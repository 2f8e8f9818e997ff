-- What did every enrichment field cost, by provider, and how often did it find something?

with

calls as (

    select * from {{ ref('fct_provider_calls') }} where field is not null

),

counted as (

    select
        provider,
        field,
        count(*) filter (where not cached) as asked,
        count(*) filter (where hit and not cached) as found,
        round(found / nullif(asked, 0), 4) as hit_rate,
        sum(usd) as usd,
        round(sum(usd)::double / nullif(found, 0), 4) as usd_per_hit

    from calls

    group by provider, field

    order by usd desc nulls last, provider, field

)

select * from counted
