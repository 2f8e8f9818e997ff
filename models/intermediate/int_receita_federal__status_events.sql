-- One row per opening, closing or other change of situação that two months tell of an establishment. A row that only a wider
-- filter let in has opened nothing: what is there in one month alone is dated by its own fields, or not believed.

with

changes as (

    select * from {{ ref('stg_receita_federal__estabelecimentos_changes') }}

),

municipalities as (

    select * from {{ ref('stg_receita_federal__municipios') }}

),

described as (

    select
        changes.*,
        coalesce(changes.now.identificador_matriz_filial, changes.was.identificador_matriz_filial) = '1' as is_matriz,
        changes.was is not null and changes.now is not null as is_in_both,
        -- registered with some delay: a little before the last month, if that month would have had it
        case
            when changes.is_same_filter then changes.previous_on - interval 60 day
            else changes.previous_on
        end::date as news_since,
        concat_ws(' ', old_places.description, changes.was.uf) as old_place,
        concat_ws(' ', new_places.description, changes.now.uf) as new_place

    from changes

    left join municipalities as old_places on old_places.code = changes.was.municipio

    left join municipalities as new_places on new_places.code = changes.now.municipio

),

judged as (

    select
        *,
        was is null and now.data_inicio_atividade > news_since and now.data_inicio_atividade <= changed_on as has_opened,
        now.data_situacao_cadastral > news_since and now.data_situacao_cadastral <= changed_on as is_new_status,
        is_in_both and was.situacao_cadastral is distinct from now.situacao_cadastral as has_other_status

    from described

),

listed as (

    select
        *,
        unnest([
            {
                'kind': if(is_matriz, 'opened', 'branch_opened'),
                'is_so': has_opened,
                'happened_on': now.data_inicio_atividade,
                'evidence': concat('opened in ', new_place, ', CNAE ' || now.cnae_fiscal_principal)
            },
            {
                'kind': 'reopened',
                'is_so': now.situacao_cadastral = '02'
                and (has_other_status or (was is null and not coalesce(has_opened, false) and is_new_status)),
                'happened_on': if(is_new_status, now.data_situacao_cadastral, changed_on),
                'evidence': concat('active again in ', new_place)
            },
            {
                'kind': if(is_matriz, 'closed', 'branch_closed'),
                'is_so': has_other_status and now.situacao_cadastral = '08',
                'happened_on': if(is_new_status, now.data_situacao_cadastral, changed_on),
                'evidence': concat('closed in ', new_place, ', reason ' || now.motivo_situacao_cadastral)
            },
            {
                'kind': 'status_changed',
                'is_so': has_other_status and now.situacao_cadastral not in ('02', '08'),
                'happened_on': if(is_new_status, now.data_situacao_cadastral, changed_on),
                'evidence': concat('situação from ', was.situacao_cadastral, ' to ', now.situacao_cadastral)
            },
            {
                'kind': 'delisted',
                'is_so': now is null and is_same_filter,
                'happened_on': changed_on,
                'evidence': concat('no longer in the register, in ', old_place)
            }
        ]) as event

    from judged

),

final as (

    select
        event.kind,
        cnpj_root,
        cnpj,
        cnpj as subject_key,
        event.happened_on,
        changed_on,
        event.evidence,
        to_json(was) as row_before,
        to_json(now) as row_after,
        fetched_at

    from listed

    where event.is_so

)

select * from final
