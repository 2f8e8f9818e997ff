-- One row per legal entity that two months tell to have joined or left Simples Nacional or MEI.

with

entities as (

    select * from {{ ref('stg_receita_federal__empresas_changes') }}

),

regimes as (

    select * from {{ ref('stg_receita_federal__simples_changes') }}

),

-- what joins the register, or leaves it, does not change regime
steady_regimes as (

    select
        regimes.*,
        if(regimes.is_same_filter, regimes.previous_on - interval 60 day, regimes.previous_on)::date as news_since,
        coalesce(regimes.was.opcao_pelo_simples = 'S', false) as was_simples,
        coalesce(regimes.now.opcao_pelo_simples = 'S', false) as is_simples,
        coalesce(regimes.was.opcao_pelo_mei = 'S', false) as was_mei,
        coalesce(regimes.now.opcao_pelo_mei = 'S', false) as is_mei,
        regimes.is_same_filter or regimes.was is not null as has_before

    from regimes

    anti join (select cnpj_root, changed_on from entities where was is null or now is null) as comers
        on comers.cnpj_root = regimes.cnpj_root
        and comers.changed_on = regimes.changed_on

    where regimes.is_same_filter or regimes.now is not null

),

regime_events as (

    select
        *,
        unnest([
            {
                'kind': 'simples_joined',
                'is_so': is_simples and not was_simples and (has_before or now.data_opcao > previous_on),
                'dated': now.data_opcao
            },
            {
                'kind': 'simples_left',
                'is_so': was_simples and not is_simples,
                'dated': now.data_exclusao
            },
            {
                'kind': 'mei_joined',
                'is_so': is_mei and not was_mei and (has_before or now.data_opcao_mei > previous_on),
                'dated': now.data_opcao_mei
            },
            {
                'kind': 'mei_left',
                'is_so': was_mei and not is_mei,
                'dated': now.data_exclusao_mei
            }
        ]) as event

    from steady_regimes

),

final as (

    select
        event.kind,
        cnpj_root,
        null::varchar as cnpj,
        cnpj_root as subject_key,
        if(event.dated > news_since and event.dated <= changed_on, event.dated, changed_on) as happened_on,
        changed_on,
        if(event.kind like 'simples%', 'Simples Nacional: ', 'MEI: ')
        || if(event.kind like '%joined', 'joined', 'left') as evidence,
        to_json(was) as row_before,
        to_json(now) as row_after,
        fetched_at

    from regime_events

    where event.is_so

)

select * from final
