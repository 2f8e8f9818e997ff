-- One row per company whose site BuiltWith knows.

with

source as (

    select * from {{ source('builtwith', 'domains') }} where state = 'known'

),

renamed as (

    select
        -- ids
        subject_id,
        lower(lookup) as domain,

        -- numerics
        nullif(try_cast(attributes ->> '$.Employees' as integer), 0) as employee_count,

        -- lists
        json_extract(result, '$.Paths[*]') as paths,

        -- dates and timestamps
        _fetched_at as fetched_at

    from source

)

select * from renamed
