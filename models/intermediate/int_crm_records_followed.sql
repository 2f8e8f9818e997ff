-- One row per company, person and deal of a CRM, those that are gone included: the record it is now, after merges and as a lead
-- that was converted, and our id on that or on what went into it.

with recursive

records as (

    select * from {{ ref('stg_crm__records') }} where kind in ('company', 'contact', 'deal')

),

converted as (

    select
        crm,
        object,
        crm_id,
        unnest(from_json(facts -> '$.converted_into', '[{"object":"VARCHAR","crm_id":"VARCHAR"}]')) as link

    from records

    where kind = 'contact'

),

-- of a lead: the person that it became
steps as (

    select crm, object, crm_id, object as to_object, merged_into as to_id from records where merged_into is not null

    union all

    select converted.crm, converted.object, converted.crm_id, converted.link.object, converted.link.crm_id

    from converted

    join records as people
        on people.crm = converted.crm
        and people.object = converted.link.object
        and people.crm_id = converted.link.crm_id

    where people.kind = 'contact'

),

-- people make rings of merges only by mistake; none is this long
walked as (

    select crm, object, crm_id, to_object, to_id, 1 as hops from steps

    union all

    select walked.crm, walked.object, walked.crm_id, steps.to_object, steps.to_id, walked.hops + 1

    from walked

    join steps
        on steps.crm = walked.crm
        and steps.object = walked.to_object
        and steps.crm_id = walked.to_id

    where walked.hops < 10

),

ends as (

    select crm, object, crm_id, to_object, to_id

    from walked

    qualify row_number() over (partition by crm, object, crm_id order by hops desc, to_object, to_id) = 1

),

followed as (

    select
        records.crm,
        records.object,
        records.crm_id,
        coalesce(ends.to_object, records.object) as now_object,
        coalesce(ends.to_id, records.crm_id) as now_id,
        records.record_id

    from records

    left join ends
        on ends.crm = records.crm
        and ends.object = records.object
        and ends.crm_id = records.crm_id

),

final as (

    select
        * exclude (record_id),
        arg_min(record_id, (crm_id <> now_id, record_id)) over (partition by crm, now_object, now_id) as own_id

    from followed

)

select * from final
