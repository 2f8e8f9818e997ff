-- Every sentence of a brief that states something rests on rows, and every one of those is published.

with

leads as (

    select * from {{ ref('fct_scored_leads') }} where brief_evidence is not null

),

published as (

    select 'dim_companies:' || company_id as row_id from {{ ref('dim_companies') }}

    union all

    select 'dim_contacts:' || contact_id from {{ ref('dim_contacts') }}

    union all

    select 'fct_enriched_leads:' || lead_id from {{ ref('fct_enriched_leads') }}

    union all

    select 'fct_scored_leads:' || lead_id from leads

    union all

    select 'fct_buying_signals:' || signal_id from {{ ref('fct_buying_signals') }}

    union all

    select 'fct_news_mentions:' || news_id from {{ ref('fct_news_mentions') }}

),

sentences as (

    select lead_id, unnest(brief_evidence, recursive := true) from leads

),

cited as (

    select lead_id, sentence, unnest(row_ids) as row_id from sentences

),

offending as (

    select lead_id, sentence, null as row_id from sentences where len(coalesce(row_ids, [])) = 0

    union all

    select cited.lead_id, cited.sentence, cited.row_id

    from cited

    left join published on published.row_id = cited.row_id

    where published.row_id is null

)

select * from offending
