-- One row per partner of a company of the register who is a person and known not to be a minor.

with

partners as (

    select * from {{ ref('stg_receita_federal__socios') }}

),

companies as (

    select * from {{ ref('int_receita_federal__companies') }}

),

qualifications as (

    select * from {{ ref('stg_receita_federal__qualificacoes') }}

),

joined as (

    select
        partners.partner_key,
        partners.cnpj_root,
        array_to_string(
            list_transform(
                string_split(lower(regexp_replace(partners.partner_name, '\s+', ' ', 'g')), ' '),
                lambda word: case
                    when word in ('de', 'da', 'do', 'das', 'dos', 'e') then word
                    else upper(word[1]) || word[2:]
                end
            ),
            ' '
        ) as full_name,
        qualifications.description as title,
        partners.fetched_at

    from partners

    join companies on companies.cnpj_root = partners.cnpj_root

    left join qualifications on qualifications.code = partners.qualification_code

    -- '2' is a natural person; age bands '1' and '2' end at 12 and 20 years
    where partners.partner_type_code = '2'
        and partners.partner_name is not null
        and coalesce(partners.age_band_code, '0') not in ('1', '2')

)

select * from joined
