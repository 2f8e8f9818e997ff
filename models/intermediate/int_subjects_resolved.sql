-- One row per id that a company or person goes by or could have gone by before a merge: the id it goes by now. What was
-- bought for an id that has since been merged away is found again here.

with

records as (

    select * from {{ ref('int_records_identified') }}

),

current_ids as (

    select distinct entity, id as subject_id, id from records

),

former_ids as (

    select entity, own_id as subject_id, min(id) as id

    from records

    where own_id <> id

    group by entity, own_id

),

resolved as (

    select entity, subject_id, id from current_ids

    union all

    select former_ids.entity, former_ids.subject_id, former_ids.id

    from former_ids

    anti join current_ids
        on current_ids.entity = former_ids.entity
        and current_ids.subject_id = former_ids.subject_id

)

select * from resolved
