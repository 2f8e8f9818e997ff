-- A sync that is only planned has no time, one that was done has one.

with

syncs as (

    select * from {{ ref('fct_crm_syncs') }}

),

offending as (

    select sync_id, status, synced_at

    from syncs

    where (status = 'planned' and synced_at is not null)
        or (status = 'synced' and synced_at is null)

)

select * from offending
