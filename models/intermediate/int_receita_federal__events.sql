-- One row per dated event that two landed months tell of a company of the register.

with

status_events as (

    select * from {{ ref('int_receita_federal__status_events') }}

),

establishment_events as (

    select * from {{ ref('int_receita_federal__establishment_events') }}

),

company_events as (

    select * from {{ ref('int_receita_federal__company_events') }}

),

regime_events as (

    select * from {{ ref('int_receita_federal__regime_events') }}

),

partner_events as (

    select * from {{ ref('int_receita_federal__partner_events') }}

),

unioned as (

    select * from status_events

    union all

    select * from establishment_events

    union all

    select * from company_events

    union all

    select * from regime_events

    union all

    select * from partner_events

),

keyed as (

    select sha256(concat_ws(chr(31), kind, subject_key, evidence, changed_on)) as event_key, *

    from unioned

)

select * from keyed
