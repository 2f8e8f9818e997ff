-- One row per company of the register that has a landed establishment: its head office, or else its first branch.

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

free_mail_domains as (

    select * from {{ ref('free_mail_domains') }}

),

accountant_words as (

    select * from {{ ref('accountant_words') }}

),

chosen as (

    select *, nullif(split_part(email, '@', 2), '') as email_host

    from establishments

    qualify row_number() over (
        partition by cnpj_root order by is_headquarters desc nulls last, branch_number, cnpj
    ) = 1

),

-- An address at an accountant's, or at a public mailbox, says nothing about the company.
own_hosts as (

    select
        email_host,
        bool_or(cnae_code like '6920%') as is_accountancy

    from chosen

    where email_host like '%.%'

    group by email_host

    having count(*) <= 3

),

weak_hosts as (

    select own_hosts.email_host

    from own_hosts

    anti join free_mail_domains on free_mail_domains.domain = own_hosts.email_host

    where own_hosts.is_accountancy or not exists (
        select 1 from accountant_words where contains(own_hosts.email_host, accountant_words.word)
    )

),

joined as (

    select
        chosen.cnpj_root,
        chosen.cnpj,
        coalesce(
            case when chosen.is_headquarters then chosen.trade_name end,
            legal_entities.legal_name,
            chosen.trade_name
        ) as company_name,
        weak_hosts.email_host as website,
        chosen.email_host,
        case when chosen.state <> 'EX' then 'BR' end as country,
        nullif(chosen.state, 'EX') as state,
        array_to_string(
            list_transform(
                string_split(lower(municipalities.description), ' '),
                lambda word: case
                    when word in ('de', 'da', 'do', 'das', 'dos', 'e') then word
                    else upper(word[1]) || word[2:]
                end
            ),
            ' '
        ) as city,
        chosen.cnae_code,
        case when chosen.is_headquarters then year(chosen.started_on) end as founded_year,
        case
            when chosen.area_code is not null and chosen.phone_number is not null
                then '+55 ' || chosen.area_code || ' ' || chosen.phone_number
        end as phone,
        -- a branch that is open says that the company is; a closed one says nothing of it
        case
            when chosen.status_code = '02' then 'active'
            when not chosen.is_headquarters then null
            when chosen.status_code = '01' then 'void'
            when chosen.status_code = '03' then 'suspended'
            when chosen.status_code = '04' then 'unfit'
            when chosen.status_code = '05' then 'irregular'
            when chosen.status_code = '08' then 'closed'
        end as registration_status,
        chosen.fetched_at

    from chosen

    left join legal_entities on legal_entities.cnpj_root = chosen.cnpj_root

    left join municipalities on municipalities.code = chosen.municipality_code

    left join weak_hosts on weak_hosts.email_host = chosen.email_host

)

select * from joined
