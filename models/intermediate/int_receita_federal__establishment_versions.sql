-- One row per establishment and period in which it was the same: the register as of any month that was landed. Worked out from what is
-- landed now and what has changed, so that the months themselves need not be kept.

with

landed as (

    select * from {{ source('receita_federal', 'estabelecimentos') }}

),

changes as (

    select * from {{ source('receita_federal', 'estabelecimentos_changes') }}

),

first_month as (

    select min(previous_on) as landed_on from changes

),

ordered as (

    select
        *,
        lag(changed_on) over (partition by cnpj order by changed_on) as last_changed_on,
        lead(changed_on) over (partition by cnpj order by changed_on) as next_changed_on

    from changes

),

versions as (

    select was as version, last_changed_on as valid_from, changed_on as valid_to from ordered

    union all

    select now as version, changed_on as valid_from, null as valid_to from ordered where next_changed_on is null

    union all

    select landed_row as version, null as valid_from, null as valid_to

    from (select * exclude (_fetched_at, _run_id, _load) from landed) as landed_row

    anti join changes on changes.cnpj = landed_row.cnpj

),

final as (

    select
        unnest(versions.version),
        coalesce(versions.valid_from, first_month.landed_on) as valid_from,
        versions.valid_to,
        versions.valid_to is null as is_current

    from versions

    cross join first_month

    where versions.version is not null

)

select * from final
