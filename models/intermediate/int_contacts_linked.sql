-- One row per person record: the cluster of records that exact keys make one person: an own e-mail address, a LinkedIn page.

with

contacts as (

    select * from {{ ref('int_contact_records') }}

),

connected as (

    select * from {{ ref('int_records_connected') }} where entity = 'contact'

),

clustered as (

    select
        contacts.source,
        contacts.source_key,
        coalesce('component ' || connected.component, concat_ws(' ', 'record', contacts.source, contacts.source_key))
            as cluster_key

    from contacts

    left join connected
        on connected.source = contacts.source
        and connected.source_key = contacts.source_key

)

select * from clustered
