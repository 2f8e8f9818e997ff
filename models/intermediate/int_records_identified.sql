-- One row per record, company or person: the id it goes by. An id once given stays: a cluster keeps the oldest id that any of
-- its records was known by; where a cluster has come apart, the part with the oldest record keeps it.

with

company_records as (

    select * from {{ ref('int_company_records') }}

),

companies as (

    select * from {{ ref('int_companies_clustered') }}

),

contact_records as (

    select * from {{ ref('int_contact_records') }}

),

contacts as (

    select * from {{ ref('int_contacts_clustered') }}

),

aliases as (

    select * from {{ ref('stg_identity__aliases') }}

),

clusters as (

    select 'company' as entity, 'cmp_' as prefix, source, source_key, cluster_key, company_records.discovered_at
    from companies
    join company_records using (source, source_key)

    union all

    select 'contact' as entity, 'con_' as prefix, source, source_key, cluster_key, contact_records.discovered_at
    from contacts
    join contact_records using (source, source_key)

),

records as (

    select
        clusters.entity,
        clusters.cluster_key,
        clusters.source,
        clusters.source_key,
        clusters.prefix || left(sha256(clusters.source || chr(31) || clusters.source_key), 20) as own_id,
        aliases.id as known_id,
        least(aliases.since, clusters.discovered_at) as since,
        (least(aliases.since, clusters.discovered_at), clusters.source, clusters.source_key) as age

    from clusters

    left join aliases
        on aliases.entity = clusters.entity
        and aliases.alias_source = clusters.source
        and aliases.alias_key = clusters.source_key

),

claims as (

    select entity, known_id, arg_min(cluster_key, age) as cluster_key, min(age) as age

    from records

    where known_id is not null

    group by entity, known_id

),

kept as (

    select entity, cluster_key, arg_min(known_id, age) as id

    from claims

    group by entity, cluster_key

),

given as (

    select entity, cluster_key, arg_min(own_id, age) as id

    from records

    group by entity, cluster_key

),

identified as (

    select
        records.entity,
        records.source,
        records.source_key,
        coalesce(kept.id, given.id) as id,
        records.own_id,
        records.since

    from records

    join given
        on given.entity = records.entity
        and given.cluster_key = records.cluster_key

    left join kept
        on kept.entity = records.entity
        and kept.cluster_key = records.cluster_key

)

select * from identified
