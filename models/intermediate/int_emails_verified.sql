-- One row per person whose e-mail some provider found or verified: the best answer, then the newest.

with

told as (

    select * from {{ ref('int_emails_told') }}

),

verified as (

    select contact_id, email, status, source, fetched_at

    from told

    qualify row_number() over (
        partition by contact_id
        order by
            list_position(['valid', 'risky', 'unknown', 'invalid'], status),
            fetched_at desc,
            source,
            email
    ) = 1

)

select * from verified
