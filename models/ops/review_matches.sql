-- One row per pair of company records that may be one company, where only a person can tell.

with

pairs as (

    select * from {{ ref('company_pairs') }}

),

reviews as (

    select * from {{ ref('stg_ledger__reviews') }} where kind = 'match'

),

undecided as (

    select pairs.*

    from pairs

    anti join reviews on reviews.item_id = pairs.item_id

    where not pairs.is_joined

),

asked as (

    select
        'match' as kind,
        item_id,
        concat(
            'Is ', coalesce(name, 'a company without a name'), ' (', source, ':', source_key, ') the same company as ',
            coalesce(other_name, 'one without a name'), ' (', other_source, ':', other_key, ')?'
        ) as question,
        ['same', 'different'] as options,
        probability as priority,
        to_json(evidence)::varchar as evidence

    from undecided

)

select * from asked
