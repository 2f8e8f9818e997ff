-- One row per dated event that two months tell of a legal entity: its capital, size and name.

with

entities as (

    select * from {{ ref('stg_receita_federal__empresas_changes') }}

),

size_classes as (

    select * from (
        values ('00', 'not said'), ('01', 'micro'), ('03', 'small'), ('05', 'medium or large')
    ) as classes (code, title)

),

entity_events as (

    select
        entities.*,
        unnest([
            {
                'kind': 'capital_changed',
                'is_so': was.capital_social <> now.capital_social,
                'evidence': concat('capital from ', was.capital_social, ' to ', now.capital_social, ' BRL')
            },
            {
                'kind': 'size_changed',
                'is_so': coalesce(was.porte, '00') <> coalesce(now.porte, '00'),
                'evidence': concat(
                    'porte from ', coalesce(old_class.title, 'not said'), ' to ', coalesce(new_class.title, 'not said')
                )
            },
            {
                'kind': 'name_changed',
                'is_so': was.razao_social is distinct from now.razao_social,
                'evidence': 'legal name changed'
            }
        ]) as event

    from entities

    left join size_classes as old_class on old_class.code = entities.was.porte

    left join size_classes as new_class on new_class.code = entities.now.porte

    where entities.was is not null and entities.now is not null

),

final as (

    select
        event.kind,
        cnpj_root,
        null::varchar as cnpj,
        cnpj_root as subject_key,
        changed_on as happened_on,
        changed_on,
        event.evidence,
        to_json(was) as row_before,
        to_json(now) as row_after,
        fetched_at

    from entity_events

    where event.is_so

)

select * from final
