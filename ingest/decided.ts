/** What people decided about pairs: two ids each. The latest comes first. `kind`: of the question. */
export function decided(kind: 'match' | 'contact_match'): string {
  return `
  select split_part(item_id, '~', 1) as left_id, split_part(item_id, '~', 2) as right_id, decision = 'same' as is_same,
      row_number() over (order by decided_at desc, review_id desc) as position
  from staging.stg_ledger__reviews
  where kind = '${kind}' and decision in ('same', 'different') and item_id like '_%~_%'`
}

/**
 * The same by record of `match_input` (r, source, source_key, own_id): SELECT of (a, b, is_same, position). An id is a record's
 * own, or one that it was known by: then the first record that was.
 */
export function decidedRecords(kind: 'match' | 'contact_match', entity: 'company' | 'contact'): string {
  return `
    with ids as (
        select own_id as id, r, 0 as rank from match_input
        union all
        select aliases.id, min(match_input.r), 1
        from staging.stg_identity__aliases as aliases
        join match_input on match_input.source = aliases.alias_source and match_input.source_key = aliases.alias_key
        where aliases.entity = '${entity}'
        group by aliases.id
    ),
    first_of as (select id, arg_min(r, rank) as r from ids group by id)
    select x.r as a, y.r as b, is_same, position
    from (${decided(kind)}) as decided
    join first_of as x on x.id = decided.left_id
    join first_of as y on y.id = decided.right_id`
}

/** SELECT of the ids that are named in a decision, and of the records known by them: (source, source_key). */
export function namedRecords(kind: 'match' | 'contact_match', entity: 'company' | 'contact'): string {
  return `
    select alias_source, alias_key from staging.stg_identity__aliases
    where entity = '${entity}' and id in (select unnest([left_id, right_id]) from (${decided(kind)}))`
}
