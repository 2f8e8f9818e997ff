-- One row per property that people changed in a CRM since we wrote it: on how many of our records. What was last read before we
-- wrote is not looked at: it differs by our own hand.

with

outcomes as (

    select * from {{ ref('stg_sync__outcomes') }} where crm_id is not null

),

records as (

    select * from {{ ref('stg_crm__records') }} where not is_gone

),

written as (

    select crm, object, crm_id, status, load_id, unnest(json_keys(written)) as property, written

    from outcomes

),

held as (

    select
        written.crm,
        written.object,
        written.property,
        json_extract(written.written, concat('/', replace(replace(written.property, '~', '~0'), '/', '~1'))) as ours,
        json_extract(records.fields, concat('/', replace(replace(written.property, '~', '~0'), '/', '~1'))) as theirs

    from written

    join records
        on records.crm = written.crm
        and records.object = written.object
        and records.crm_id = written.crm_id
        and (written.status <> 'synced' or records.load_id > written.load_id)

),

counted as (

    select
        crm,
        object,
        property,
        count(*) as written_count,
        count(*) filter (where theirs is distinct from ours) as changed_count,
        count(*) filter (where theirs is null) as emptied_count

    from held

    group by all

)

select * from counted where changed_count > 0
