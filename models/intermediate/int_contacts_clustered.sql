-- One row per person record: the cluster of records that are the same person, by exact keys, by likeness within a company where
-- they are silent, and by what people decided.

with

clusters as (

    select * from {{ ref('contact_clusters') }}

),

clustered as (

    select source, source_key, cluster_key from clusters

)

select * from clustered
