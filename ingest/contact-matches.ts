import { createHash } from 'node:crypto'
import type { Step, StepContext } from '../pipeline/step.ts'
import type { TableSpec } from '../pipeline/table.ts'
import { COMPANY_CLUSTERS, COMPANY_PAIRS, LEXICON } from './company-matches.ts'
import { decided, decidedRecords, namedRecords } from './decided.ts'
import { evidenceList } from './match/explain.ts'
import { resolveRecords } from './match/resolve.ts'
import type { MatchSettings } from './match/settings.ts'

export const CONTACT_CLUSTERS: TableSpec = {
  ...COMPANY_CLUSTERS,
  name: 'contact_clusters',
  description: 'Person records that are the same person: by exact keys, by likeness, by what people decided.',
}

export const CONTACT_PAIRS: TableSpec = {
  ...COMPANY_PAIRS,
  name: 'contact_pairs',
  description: 'Pairs of person records of one company that no exact key joins and that are alike, with the evidence.',
}

/** Exact keys first; then likeness within a company; what people decided wins over both. */
export function contactMatches(settings: MatchSettings): Step {
  return {
    name: 'contact_matches',
    kind: 'step',
    stage: 'discovery',
    file: 'ingest/contact-matches.ts',
    description: 'Finds person records of one company that are alike, and makes clusters of what is one person.',
    reads: [
      'int_contact_records',
      'int_contacts_linked',
      'company_clusters',
      'int_shared_addresses',
      'role_mailboxes',
      'stg_ledger__reviews',
      'stg_identity__aliases',
      'legal_forms',
      'name_words',
      'address_words',
    ],
    builds: [CONTACT_CLUSTERS, CONTACT_PAIRS],
    fingerprint: createHash('sha256')
      .update(JSON.stringify(['people 2', settings]))
      .digest('hex'),
    async bind(connection) {
      await connection.describe(RECORDS)
    },
    run: (context) => matchContacts(context, settings),
  }
}

/**
 * The records that may be a colleague's twin: another cluster of the same company, by
 * another source, has a name that begins alike; and those that
 * people decided about. Masked names (`Hu***n`) say too little.
 */
const RECORDS = `
  with people as (
      select
          records.source, records.source_key, records.full_name as name, records.email, records.phone, records.linkedin_key,
          companies.cluster_key as company, linked.cluster_key as exact_key,
          split_part(records.name_key, ' ', 1) as first_name, split_part(records.name_key, ' ', -1) as last_name,
          'con_' || left(sha256(records.source || chr(31) || records.source_key), 20) as own_id
      from intermediate.int_contact_records as records
      join intermediate.int_contacts_linked as linked using (source, source_key)
      left join discovery.company_clusters as companies
          on companies.source = records.source and companies.source_key = records.company_source_key
  ),
  compared as (
      select * from people
      where company is not null and contains(trim(name), ' ') and not contains(name, '*')
      window initial as (partition by company, left(first_name, 1))
      qualify min(exact_key) over initial < max(exact_key) over initial and min(source) over initial < max(source) over initial
  ),
  named as (
      select * from people
      where own_id in (select unnest([left_id, right_id]) from (${decided('contact_match')}))
          or (source, source_key) in (select (alias_source, alias_key) from (${namedRecords('contact_match', 'contact')}))
  ),
  chosen as (select * from compared union select * from named),
  -- the rest of a cluster comes along, so that it stays one
  whole as (select people.* from people semi join chosen using (exact_key))
  select
      row_number() over (order by source, source_key) as r,
      source, source_key, own_id, name, first_name, last_name, company, linkedin_key, exact_key,
      null::varchar as country, null::varchar as place, null::varchar as address,
      case when regexp_replace(phone, '[^0-9]', '', 'g') not in (
          select address from intermediate.int_shared_addresses where channel = 'phone'
      ) then phone end as phone,
      case when split_part(email, '@', 1) not in (select local_part from seeds.role_mailboxes)
          and email not in (select address from intermediate.int_shared_addresses where channel = 'email')
      then email end as email,
      null::varchar as domain, null::varchar[] as people, null::varchar as cnpj_root
  from whole`

/**
 * Pairs of one company whose first and last names are alike. A source that lists two people at one company means two, and so do two
 * LinkedIn pages: these are told apart.
 */
const ALIKE = `
  select a.r as a, b.r as b,
      a.source = b.source or coalesce(a.linkedin_key <> b.linkedin_key, false) as is_told_apart
  from match_input as a
  join match_input as b on b.company = a.company and b.r > a.r and b.exact_key <> a.exact_key
  where (jaro_winkler_similarity(a.first_name, b.first_name) >= 0.88
          or (least(length(a.first_name), length(b.first_name)) = 1 and left(a.first_name, 1) = left(b.first_name, 1)))
      and jaro_winkler_similarity(a.last_name, b.last_name) >= 0.9`

/** Behind whatever a person said. */
const LAST = 900_000

async function matchContacts(
  { connection, build, progress }: Pick<StepContext, 'connection' | 'build' | 'progress'>,
  settings: MatchSettings,
) {
  await connection.run(`
    create or replace temp table match_input as ${RECORDS};
    create or replace temp table match_alike as ${ALIKE}`)
  const [given] = await connection.rows<{ records: number }>('select count(*) as records from match_input')
  if (given!.records === 0) return nothingAlike({ connection, build })
  const weights = await resolveRecords(connection, {
    input: 'select * from match_input',
    pairs: 'select a, b from match_alike where not is_told_apart',
    lexicon: LEXICON,
    settings,
    decisions: `
      select * from (${decidedRecords('contact_match', 'contact')})
      union all
      select a, b, false, ${LAST} from match_alike where is_told_apart`,
    progress,
  })
  await build(
    CONTACT_CLUSTERS,
    `
    select linked.source, linked.source_key,
        case when first.r is null then linked.cluster_key else concat_ws(' ', 'record', first.source, first.source_key) end as cluster_key
    from intermediate.int_contacts_linked as linked
    left join match_input as input on input.source = linked.source and input.source_key = linked.source_key
    left join match_clusters as clusters on clusters.r = input.r
    left join match_input as first on first.r = clusters.c
    order by linked.source, linked.source_key`,
  )
  await build(
    CONTACT_PAIRS,
    `
    select
        least(a.own_id, b.own_id) || '~' || greatest(a.own_id, b.own_id) as item_id,
        a.source, a.source_key, a.name, b.source as other_source, b.source_key as other_key, b.name as other_name,
        s.probability, case when s.probability >= ${settings.match} then 'match' else 'review' end as verdict,
        x.c = y.c as is_joined, ${evidenceList(weights)} as evidence
    from match_scored as s
    join match_input as a on a.r = s.a
    join match_input as b on b.r = s.b
    join match_clusters as x on x.r = s.a
    join match_clusters as y on y.r = s.b
    where s.probability >= ${settings.review}
    order by item_id`,
  )
  await connection.run(
    'drop table match_profiles; drop table match_scored; drop table match_input; drop table match_links',
  )
  return summary(connection)
}

/** Most projects have one source of people: nothing to compare. */
async function nothingAlike({ connection, build }: Pick<StepContext, 'connection' | 'build'>) {
  await build(CONTACT_CLUSTERS, 'select * from intermediate.int_contacts_linked order by source, source_key')
  const nulls = Object.entries(CONTACT_PAIRS.columns).map(([name, type]) => `null::${type} as ${name}`)
  await build(CONTACT_PAIRS, `select ${nulls.join(', ')} where false`)
  return summary(connection)
}

async function summary(connection: StepContext['connection']) {
  const [found] = await connection.rows<{ rows: number; people: number; joined: number; doubtful: number }>(`
    select
        (select count(*) from discovery.contact_clusters) as rows,
        (select count(distinct cluster_key) from discovery.contact_clusters) as people,
        (select count(*) from discovery.contact_pairs where is_joined) as joined,
        (select count(*) from discovery.contact_pairs where not is_joined) as doubtful`)
  const { rows, people, joined, doubtful } = found!
  const text = `${rows} records, ${people} people; ${joined} pairs joined by likeness, ${doubtful} in doubt`
  return { rows, text, counts: { people, joined, doubtful } }
}
