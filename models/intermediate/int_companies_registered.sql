-- One row per CNPJ root of which an establishment has landed: what rules of the ICP ask of the register alone.

with

establishments as (

    select * from {{ ref('stg_receita_federal__estabelecimentos') }}

),

legal_entities as (

    select * from {{ ref('stg_receita_federal__empresas') }}

),

places as (

    select
        cnpj_root,
        list(distinct municipality_code order by municipality_code) filter (
            where status_code = '02' and municipality_code is not null
        ) as municipality_codes,
        min(started_on) filter (where is_headquarters) as started_on,
        min(started_on) filter (where not is_headquarters) as branch_started_on

    from establishments

    group by cnpj_root

),

joined as (

    select
        places.*,
        nullif(legal_entities.size_class_code, '00') as size_class_code,
        legal_entities.legal_nature_code,
        legal_entities.share_capital_brl

    from places

    left join legal_entities on legal_entities.cnpj_root = places.cnpj_root

)

select * from joined
