-- One row per company record: the cluster of records that exact keys say are the same company. Where chains of domains and pages would
-- join different legal entities, each entity keeps to itself and takes only what shares a key with it alone.

with

companies as (

    select * from {{ ref('int_company_records_keyed') }}

),

connected as (

    select * from {{ ref('int_records_connected') }} where entity = 'company'

),

joined as (

    select
        companies.*,
        connected.component,
        min(companies.cnpj_root) over (partition by connected.component)
            <> max(companies.cnpj_root) over (partition by connected.component) as is_mixed,
        min(companies.cnpj_root) over (partition by companies.domain) as first_root_of_domain,
        max(companies.cnpj_root) over (partition by companies.domain) as last_root_of_domain,
        min(companies.cnpj_root) over (partition by companies.linkedin_key) as first_root_of_page,
        max(companies.cnpj_root) over (partition by companies.linkedin_key) as last_root_of_page

    from companies

    left join connected
        on connected.source = companies.source
        and connected.source_key = companies.source_key

),

nearest as (

    select
        source,
        source_key,
        component,
        is_mixed,
        coalesce(
            cnpj_root,
            case when domain is not null and first_root_of_domain = last_root_of_domain then first_root_of_domain end,
            case when linkedin_key is not null and first_root_of_page = last_root_of_page then first_root_of_page end
        ) as nearest_root

    from joined

),

clustered as (

    select
        source,
        source_key,
        case
            when component is null then concat_ws(' ', 'record', source, source_key)
            when is_mixed and nearest_root is not null then 'cnpj ' || nearest_root
            else 'component ' || component
        end as cluster_key

    from nearest

)

select * from clustered
