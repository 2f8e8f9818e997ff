-- One row per event that two months tell of an establishment that both have: where it is, what it does, what it is called.

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
        concat_ws(
            ' ', was.tipo_logradouro, was.logradouro, was.numero, was.complemento, was.bairro, was.cep, was.municipio, was.uf
        ) as old_address,
        concat_ws(
            ' ', now.tipo_logradouro, now.logradouro, now.numero, now.complemento, now.bairro, now.cep, now.municipio, now.uf
        ) as new_address,
        concat_ws(' ', old_places.description, changes.was.uf) as old_place,
        concat_ws(' ', new_places.description, changes.now.uf) as new_place,
        list_distinct([was.cnae_fiscal_principal] || was.cnaes_secundarias) as old_cnaes,
        list_sort(list_filter(
            list_distinct([now.cnae_fiscal_principal] || now.cnaes_secundarias),
            lambda code: not list_contains(old_cnaes, code)
        )) as new_cnaes

    from changes

    left join municipalities as old_places on old_places.code = changes.was.municipio

    left join municipalities as new_places on new_places.code = changes.now.municipio

    where changes.was is not null and changes.now is not null

),

listed as (

    select
        *,
        unnest([
            {
                'kind': 'moved',
                'is_so': old_address <> new_address,
                'happened_on': changed_on,
                'evidence': if(
                    old_place = new_place, concat('moved within ', new_place), concat('moved from ', old_place, ' to ', new_place)
                )
            },
            {
                'kind': 'cnae_added',
                'is_so': len(new_cnaes) > 0,
                'happened_on': changed_on,
                'evidence': concat('CNAE added: ', array_to_string(new_cnaes, ', '))
            },
            {
                'kind': 'main_cnae_changed',
                'is_so': was.cnae_fiscal_principal is distinct from now.cnae_fiscal_principal,
                'happened_on': changed_on,
                'evidence': concat('main CNAE from ', was.cnae_fiscal_principal, ' to ', now.cnae_fiscal_principal)
            },
            {
                'kind': 'name_changed',
                'is_so': was.nome_fantasia is distinct from now.nome_fantasia,
                'happened_on': changed_on,
                'evidence': 'trade name changed'
            }
        ]) as event

    from described

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
