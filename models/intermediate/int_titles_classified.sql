-- One row per job title as it is spelled for matching: how senior it is and which department it belongs to.

with

contact_records as (

    select * from {{ ref('int_contact_records') }}

),

title_seniority as (

    select * from {{ ref('title_seniority') }}

),

title_departments as (

    select * from {{ ref('title_departments') }}

),

titles as (

    select distinct title_key from contact_records where title_key <> ''

),

seniorities as (

    select
        titles.title_key,
        arg_min(
            title_seniority.seniority,
            (title_seniority.rank, -length(title_seniority.phrase), title_seniority.phrase)
        ) as seniority

    from titles

    join title_seniority
        on contains(' ' || titles.title_key || ' ', ' ' || title_seniority.phrase || ' ')

    group by titles.title_key

),

departments as (

    select
        titles.title_key,
        arg_min(
            title_departments.department,
            (title_departments.rank, -length(title_departments.phrase), title_departments.phrase)
        ) as department

    from titles

    join title_departments
        on contains(' ' || titles.title_key || ' ', ' ' || title_departments.phrase || ' ')

    group by titles.title_key

),

joined as (

    select titles.title_key, seniorities.seniority, departments.department

    from titles

    left join seniorities on seniorities.title_key = titles.title_key

    left join departments on departments.title_key = titles.title_key

)

select * from joined
