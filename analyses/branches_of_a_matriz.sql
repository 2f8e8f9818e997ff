-- Which companies have branches, how many and where? Branches that the ICP's filter did not let in are not counted.

with

establishments as (

    select * from {{ ref('stg_receita_federal__estabelecimentos') }}

),

legal_entities as (

    select * from {{ ref('stg_receita_federal__empresas') }}

),

municipalities as (

    select * from {{ ref('stg_receita_federal__municipios') }}

),

placed as (

    select establishments.*, concat_ws(' ', municipalities.description, establishments.state) as place

    from establishments

    left join municipalities on municipalities.code = establishments.municipality_code

),

counted as (

    select
        cnpj_root,
        min(cnpj) filter (where is_headquarters) as matriz_cnpj,
        min(place) filter (where is_headquarters) as matriz_place,
        count(*) filter (where not is_headquarters) as branches,
        count(*) filter (where not is_headquarters and status_code = '02') as active_branches,
        list(distinct state order by state) filter (where not is_headquarters) as branch_states,
        list(distinct place order by place) filter (where not is_headquarters) as branch_places,
        max(started_on) filter (where not is_headquarters) as last_branch_started_on

    from placed

    group by cnpj_root

),

final as (

    select
        counted.cnpj_root,
        legal_entities.legal_name,
        counted.* exclude (cnpj_root)

    from counted

    left join legal_entities on legal_entities.cnpj_root = counted.cnpj_root

    where counted.branches > 0

    order by counted.branches desc, counted.cnpj_root

)

select * from final
