-- One row per pair of person records of one company that may be one person, where only a person can tell.

with

pairs as (

    select * from {{ ref('contact_pairs') }}

),

reviews as (

    select * from {{ ref('stg_ledger__reviews') }} where kind = 'contact_match'

),

undecided as (

    select pairs.*

    from pairs

    anti join reviews on reviews.item_id = pairs.item_id

    where not pairs.is_joined

),

asked as (

    select
        'contact_match' as kind,
        item_id,
        concat(
            'Is ', name, ' (', source, ':', source_key, ') the same person as ', other_name, ' (', other_source, ':', other_key,
            ') of the same company?'
        ) as question,
        ['same', 'different'] as options,
        probability as priority,
        to_json(evidence)::varchar as evidence

    from undecided

)

select * from asked
