-- One row per message of which nobody can tell whether it left: what only a person can find out.

with

events as (

    select * from {{ ref('stg_outreach__events') }}

),

doubtful as (

    select * from events where status = 'in_doubt'

),

asked as (

    select
        'message' as kind,
        event_id as item_id,
        concat(
            'Did the message ', sequence, ' ', step_id, ' from ', coalesce(mailbox, 'nobody'), ' to ',
            coalesce(address, 'nobody'), ' leave at ', strftime(claimed_at, '%Y-%m-%d %H:%M'), ' UTC? Its Message-ID is ',
            coalesce(message_id, 'not known'), '.'
        ) as question,
        ['was_sent', 'send_again', 'give_up'] as options,
        1.0::double as priority,
        response as evidence

    from doubtful

)

select * from asked
