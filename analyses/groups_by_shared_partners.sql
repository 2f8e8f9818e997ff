-- Which companies belong together, because they share partners or own one another? A partner of more than 50 companies ties
-- nobody: that is an agent or an accountant, or one name and masked document that several people have.

with recursive

partners as (

    select * from {{ ref('stg_receita_federal__socios') }}

),

legal_entities as (

    select * from {{ ref('stg_receita_federal__empresas') }}

),

-- a company that is a partner is itself a member of the group
memberships as (

    select distinct
        partners.cnpj_root,
        if(
            partners.partner_type_code = '1',
            left(partners.masked_document, 8),
            concat_ws(chr(31), partners.partner_type_code, partners.partner_name, partners.masked_document)
        ) as partner

    from partners

    where partners.partner_name is not null or partners.masked_document is not null

),

ties as (

    select partner, min(cnpj_root) as first_root, count(*) as companies

    from memberships

    group by partner

    having count(*) <= 50

),

pairs as (

    select memberships.cnpj_root as one, ties.first_root as other

    from memberships

    join ties on ties.partner = memberships.partner

    where memberships.cnpj_root <> ties.first_root

    union

    select memberships.cnpj_root, memberships.partner

    from memberships

    join legal_entities on legal_entities.cnpj_root = memberships.partner

    where memberships.cnpj_root <> memberships.partner

),

edges as (

    select one, other from pairs

    union

    select other, one from pairs

),

reached (cnpj_root, group_key) using key (cnpj_root) as (

    select distinct one, one from edges

    union

    select edges.other, min(reached.group_key)

    from reached

    join edges on edges.one = reached.cnpj_root

    join recurring.reached as known on known.cnpj_root = edges.other

    where reached.group_key < known.group_key

    group by edges.other

),

shared as (

    select reached.group_key, count(distinct ties.partner) as shared_partners

    from reached

    join memberships on memberships.cnpj_root = reached.cnpj_root

    join ties on ties.partner = memberships.partner

    where ties.companies > 1

    group by reached.group_key

),

grouped as (

    select
        reached.group_key,
        count(*) as companies,
        coalesce(any_value(shared.shared_partners), 0) as shared_partners,
        sum(legal_entities.share_capital_brl) as share_capital_brl,
        list(reached.cnpj_root order by reached.cnpj_root) as cnpj_roots,
        list(legal_entities.legal_name order by reached.cnpj_root) as legal_names

    from reached

    left join shared on shared.group_key = reached.group_key

    left join legal_entities on legal_entities.cnpj_root = reached.cnpj_root

    group by reached.group_key

    order by companies desc, reached.group_key

)

select * from grouped
