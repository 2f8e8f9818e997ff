-- One row per record of a CRM and record that it hangs on; what a converted lead became hangs on that lead.

with

records as (

    select * from {{ ref('stg_crm__records') }}

),

told as (

    select crm, object, crm_id, unnest(from_json(links, '[{"object":"VARCHAR","crm_id":"VARCHAR"}]')) as link

    from records

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

final as (

    select crm, object, crm_id, link.object as to_object, link.crm_id as to_id from told

    union

    select crm, link.object, link.crm_id, object, crm_id from converted

)

select * from final
