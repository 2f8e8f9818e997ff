-- One row per address and person of ours that a CRM says wants no mail from anybody.

with

opt_outs as (

    select * from {{ ref('stg_crm__opt_outs') }} where is_opted_out

),

subjects as (

    select * from {{ ref('int_subjects_resolved') }} where entity = 'contact'

),

final as (

    select
        opt_outs.crm,
        opt_outs.email,
        coalesce(subjects.id, opt_outs.record_id) as contact_id,
        min(opt_outs.said_at) as said_at

    from opt_outs

    left join subjects on subjects.subject_id = opt_outs.record_id

    group by all

)

select * from final
