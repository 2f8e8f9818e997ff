-- One row per person or company that two months tell to have joined or left a legal entity, as a partner or to run it. The
-- register has no key for people: name, masked document and kind tell those of one company apart.

with

changes as (

    select * from {{ ref('stg_receita_federal__socios_changes') }}

),

entities as (

    select * from {{ ref('stg_receita_federal__empresas_changes') }}

),

qualifications as (

    select
        code,
        description,
        regexp_matches(strip_accents(lower(description)), 'administrador|diretor|presidente|gerente') as runs_it

    from {{ ref('stg_receita_federal__qualificacoes') }}

),

sides as (

    select *, was as partner, true as is_before from changes where was is not null

    union all

    select *, now as partner, false as is_before from changes where now is not null

),

people as (

    select
        sides.cnpj_root,
        sides.changed_on,
        sha256(concat_ws(
            chr(31),
            sides.partner.identificador_de_socio,
            coalesce(sides.partner.nome_socio, ''),
            coalesce(sides.partner.cnpj_cpf_do_socio, '')
        )) as person_key,
        any_value(sides.previous_on) as previous_on,
        bool_and(sides.is_same_filter) as is_same_filter,
        bool_or(sides.is_before) as was_there,
        bool_or(not sides.is_before) as is_there,
        coalesce(bool_or(qualifications.runs_it) filter (where sides.is_before), false) as ran_it,
        coalesce(bool_or(qualifications.runs_it) filter (where not sides.is_before), false) as runs_it,
        max(qualifications.description) filter (where sides.is_before) as old_role,
        max(qualifications.description) filter (where not sides.is_before) as new_role,
        max(sides.partner.data_entrada_sociedade) filter (where not sides.is_before) as joined_on,
        max(to_json(sides.partner)) filter (where sides.is_before) as row_before,
        max(to_json(sides.partner)) filter (where not sides.is_before) as row_after,
        max(sides.fetched_at) as fetched_at

    from sides

    left join qualifications on qualifications.code = sides.partner.qualificacao_do_socio

    -- the partners of a company that is new, or gone, have not joined or left it
    anti join (select cnpj_root, changed_on from entities where was is null or now is null) as comers
        on comers.cnpj_root = sides.cnpj_root
        and comers.changed_on = sides.changed_on

    group by all

),

judged as (

    select
        *,
        case
            when runs_it and not ran_it then 'administrator_joined'
            when ran_it and not runs_it then 'administrator_left'
            when not was_there then 'partner_joined'
            when not is_there then 'partner_left'
        end as kind

    from people

    where is_same_filter
        or (was_there and is_there)
        or (is_there and joined_on > previous_on)

),

final as (

    select
        kind,
        cnpj_root,
        null::varchar as cnpj,
        cnpj_root || person_key as subject_key,
        if(
            not was_there and joined_on > previous_on - interval 60 day and joined_on <= changed_on, joined_on, changed_on
        ) as happened_on,
        changed_on,
        concat(
            case kind
                when 'administrator_joined' then 'somebody new runs it: '
                when 'administrator_left' then 'somebody who ran it no longer does: '
                when 'partner_joined' then 'a partner joined: '
                when 'partner_left' then 'a partner left: '
            end,
            coalesce(if(kind like '%joined', new_role, old_role), 'role not said')
        ) as evidence,
        row_before,
        row_after,
        fetched_at

    from judged

    where kind is not null

)

select * from final
