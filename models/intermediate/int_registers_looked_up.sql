-- One row per company and provider that looked its CNPJ up in the register: what it says, in the spelling of the golden record.

with

minha_receita_companies as (

    select * from {{ ref('stg_minha_receita__companies') }}

),

opencnpj_companies as (

    select * from {{ ref('stg_opencnpj__companies') }}

),

cnae_industries as (

    select * from {{ ref('cnae_industries') }}

),

unioned as (

    select 'minha_receita' as source, *
    from minha_receita_companies

    union all by name

    select 'opencnpj' as source, *
    from opencnpj_companies

),

cnae_codes as (

    select unioned.cnae_code, arg_max(cnae_industries.industry, length(cnae_industries.cnae_prefix)) as industry

    from (select distinct cnae_code from unioned where cnae_code is not null) as unioned

    join cnae_industries on starts_with(unioned.cnae_code, cnae_industries.cnae_prefix)

    group by unioned.cnae_code

),

spelled as (

    select
        unioned.source,
        unioned.subject_id,
        unioned.cnae_code,
        cnae_codes.industry,
        case when unioned.state <> 'EX' then 'BR' end as country,
        nullif(unioned.state, 'EX') as state,
        array_to_string(
            list_transform(
                string_split(lower(unioned.municipality), ' '),
                lambda word: case
                    when word in ('de', 'da', 'do', 'das', 'dos', 'e') then word
                    else upper(word[1]) || word[2:]
                end
            ),
            ' '
        ) as city,
        case when unioned.is_headquarters then year(unioned.started_on) end as founded_year,
        unioned.phone,
        -- a branch that is open says that the company is; a closed one says nothing of it
        case
            when unioned.is_headquarters or unioned.registration_status = 'active' then unioned.registration_status
        end as registration_status,
        unioned.fetched_at

    from unioned

    left join cnae_codes on cnae_codes.cnae_code = unioned.cnae_code

)

select * from spelled
