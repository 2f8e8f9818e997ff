-- One row per company record: the cluster of records that are the same company, by exact keys, by likeness where they are
-- silent, and by what people decided.

with

clusters as (

    select * from {{ ref('company_clusters') }}

),

clustered as (

    select source, source_key, cluster_key from clusters

)

select * from clustered
