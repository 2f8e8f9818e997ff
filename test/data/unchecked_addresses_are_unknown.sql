-- An address that nobody checked is unknown to scores and bounds, so that a check of it can be bought where it decides.
select
    lead_id,
    email_status
from {{ ref('int_lead_facts') }}
where email_status not in ('valid', 'risky', 'invalid')
