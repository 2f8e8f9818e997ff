-- One row per question. Fields that somebody changed in a CRM since we wrote them, and that we would write otherwise.

with

questions as (

    select * from {{ ref('stg_sync__questions') }} where kind = 'crm_conflict'

),

reviews as (

    select * from {{ ref('stg_ledger__reviews') }} where kind = 'crm_conflict'

),

undecided as (

    select questions.*

    from questions

    anti join reviews on reviews.item_id = questions.item_id

),

asked as (

    select
        'crm_conflict' as kind,
        item_id,
        concat(
            crm, ' ', object, ' ', record_id, ': ', property, ' is ', coalesce(theirs ->> '$', 'empty'), ' there; write ',
            coalesce(ours ->> '$', 'nothing'), '?'
        ) as question,
        ['ours', 'theirs'] as options,
        0.5::double as priority,
        to_json({'ours': ours, 'theirs': theirs})::varchar as evidence

    from undecided

)

select * from asked
