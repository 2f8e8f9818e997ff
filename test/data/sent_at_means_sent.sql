-- `sent_at` is set only on what has left, and on all that has.

with

events as (

    select * from {{ ref('fct_outreach_events') }}

),

offending as (

    select event_id, status, sent_at

    from events

    where (sent_at is not null and status in ('planned', 'approved', 'rejected', 'skipped'))
        or (sent_at is null and status in ('sent', 'delivered', 'opened', 'replied', 'bounced', 'complained'))

)

select * from offending
