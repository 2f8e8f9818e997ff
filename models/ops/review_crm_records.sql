-- One row per question. Rows of ours that several records of a CRM may be, where only a person can tell.

with

questions as (

    select * from {{ ref('stg_sync__questions') }} where kind = 'crm_record'

),

reviews as (

    select * from {{ ref('stg_ledger__reviews') }} where kind = 'crm_record'

),

undecided as (

    select questions.*

    from questions

    anti join reviews on reviews.item_id = questions.item_id

),

asked as (

    select
        'crm_record' as kind,
        item_id,
        concat('Which of these ', object, ' in ', crm, ' is ', coalesce(ours ->> '$.name', record_id), '?') as question,
        list_append(candidates, 'none') as options,
        1.0::double as priority,
        to_json({'ours': ours, 'theirs': theirs})::varchar as evidence

    from undecided

)

select * from asked
