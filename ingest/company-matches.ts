import { createHash } from 'node:crypto'
import type { Step, StepContext } from '../pipeline/step.ts'
import type { TableSpec } from '../pipeline/table.ts'
import { decided, decidedRecords, namedRecords } from './decided.ts'
import type { Weights } from './match/estimate.ts'
import { evidenceList } from './match/explain.ts'
import { resolveRecords } from './match/resolve.ts'
import type { MatchSettings } from './match/settings.ts'

export const COMPANY_CLUSTERS: TableSpec = {
  schema: 'discovery',
  name: 'company_clusters',
  description: 'Company records that are the same company: by exact keys, by likeness, by what people decided.',
  columns: { source: 'VARCHAR', source_key: 'VARCHAR', cluster_key: 'VARCHAR' },
  key: ['source', 'source_key'],
}

export const COMPANY_PAIRS: TableSpec = {
  schema: 'discovery',
  name: 'company_pairs',
  description:
    'Pairs of company records that no exact key joins and that are alike, with the evidence for and against.',
  columns: {
    item_id: 'VARCHAR',
    source: 'VARCHAR',
    source_key: 'VARCHAR',
    name: 'VARCHAR',
    other_source: 'VARCHAR',
    other_key: 'VARCHAR',
    other_name: 'VARCHAR',
    probability: 'DOUBLE',
    verdict: 'VARCHAR',
    is_joined: 'BOOLEAN',
    evidence: 'STRUCT(field VARCHAR, says VARCHAR, bits DOUBLE)[]',
  },
  key: ['item_id'],
  docs: {
    item_id: "The two records' own ids, with a tilde between: what a decision names.",
    verdict: 'match, or review where a person is asked.',
    is_joined: 'Whether they are in one cluster in the end.',
    evidence: 'What each comparison adds, in bits; their sum makes the probability.',
  },
}

/** Exact keys first; then likeness for the records that they leave alone; what people decided wins over both. */
export function companyMatches(settings: MatchSettings): Step {
  return {
    name: 'company_matches',
    kind: 'step',
    stage: 'discovery',
    file: 'ingest/company-matches.ts',
    description: 'Finds company records that are alike, and makes clusters of what is one company.',
    reads: [
      'int_company_records',
      'int_company_records_keyed',
      'int_companies_linked',
      'int_contact_records',
      'int_shared_addresses',
      'stg_ledger__reviews',
      'stg_identity__aliases',
      'legal_forms',
      'name_words',
      'address_words',
    ],
    builds: [COMPANY_CLUSTERS, COMPANY_PAIRS],
    fingerprint: createHash('sha256')
      .update(JSON.stringify(['matches 3', settings]))
      .digest('hex'),
    async bind(connection) {
      await connection.describe(RECORDS)
      await connection.describe(DECIDED)
    },
    run: (context) => matchCompanies(context, settings),
  }
}

export const LEXICON = {
  legal_forms: 'seeds.legal_forms',
  name_words: 'seeds.name_words',
  address_words: 'seeds.address_words',
}

const DECIDED = decided('match')

/**
 * The records that may be somebody else's twin: those of no legal entity, and of the others those that begin like one of
 * these, or share a phone or a domain. Two legal entities are never one, so a register alone is not compared with itself.
 */
const RECORDS = `
  with records as (
      select
          records.source, records.source_key, records.name, records.country, records.state, records.city, records.phone,
          keyed.domain, records.cnpj_root, linked.cluster_key,
          'cmp_' || left(sha256(records.source || chr(31) || records.source_key), 20) as own_id,
          left(replace(records.name_key, ' ', ''), 5) as beginning,
          right(regexp_replace(records.phone, '[^0-9]', '', 'g'), 8) as line
      from intermediate.int_company_records as records
      join intermediate.int_company_records_keyed as keyed using (source, source_key)
      join intermediate.int_companies_linked as linked using (source, source_key)
  ),
  people as (
      select source, company_source_key as source_key, list(distinct name_key order by name_key) as people
      from intermediate.int_contact_records
      where contains(name_key, ' ')
      group by source, company_source_key
  ),
  named as (
      select unnest([left_id, right_id]) as id from (${DECIDED})
  ),
  chosen as (
      select * from records
      where cnpj_root is null
          or beginning in (select beginning from records where cnpj_root is null and beginning <> '')
          or line in (select line from records where cnpj_root is null and length(line) = 8)
          or domain in (select domain from records where cnpj_root is null and domain is not null)
          or own_id in (select id from named)
          or (source, source_key) in (select (alias_source, alias_key) from (${namedRecords('match', 'company')}))
  )
  select
      row_number() over (order by source, source_key) as r,
      source, source_key, own_id, name, country, nullif(concat_ws(' ', city, state), '') as place, null::varchar as address,
      case when regexp_replace(phone, '[^0-9]', '', 'g') not in (
          select address from intermediate.int_shared_addresses where channel = 'phone'
      ) then phone end as phone,
      null::varchar as email, domain, people.people, cnpj_root, cluster_key as exact_key
  from chosen left join people using (source, source_key)`

async function matchCompanies(
  context: Pick<StepContext, 'connection' | 'build' | 'progress'>,
  settings: MatchSettings,
) {
  const { connection } = context
  await connection.run(`create or replace temp table match_input as ${RECORDS}`)
  const weights = await resolveRecords(connection, {
    input: 'select * from match_input',
    lexicon: LEXICON,
    settings,
    decisions: decidedRecords('match', 'company'),
    progress: (text) => context.progress(text),
  })
  return record(context, settings, weights)
}

async function record(
  { connection, build }: Pick<StepContext, 'connection' | 'build'>,
  settings: MatchSettings,
  weights: Weights,
) {
  await build(
    COMPANY_CLUSTERS,
    `
    with placed as (
        select input.source, input.source_key, input.exact_key,
            concat_ws(' ', 'record', first.source, first.source_key) as cluster_key
        from match_clusters as clusters
        join match_input as input on input.r = clusters.r
        join match_input as first on first.r = clusters.c
    ),
    moved as (select exact_key, min(cluster_key) as cluster_key from placed group by exact_key)
    select linked.source, linked.source_key, coalesce(placed.cluster_key, moved.cluster_key, linked.cluster_key) as cluster_key
    from intermediate.int_companies_linked as linked
    left join placed using (source, source_key)
    left join moved on moved.exact_key = linked.cluster_key
    order by linked.source, linked.source_key`,
  )
  await build(
    COMPANY_PAIRS,
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
    where s.probability >= ${settings.review} and a.exact_key <> b.exact_key
        and (a.cnpj_root is null or b.cnpj_root is null or a.cnpj_root = b.cnpj_root)
    order by item_id`,
  )
  const [found] = await connection.rows<{ joined: number; doubtful: number; companies: number; rows: number }>(`
    select
        (select count(*) from discovery.company_clusters) as rows,
        (select count(distinct cluster_key) from discovery.company_clusters) as companies,
        (select count(*) from discovery.company_pairs where is_joined) as joined,
        (select count(*) from discovery.company_pairs where not is_joined) as doubtful`)
  await connection.run(
    'drop table match_profiles; drop table match_scored; drop table match_input; drop table match_links',
  )
  const { rows, companies, joined, doubtful } = found!
  const text = `${rows} records, ${companies} companies; ${joined} pairs joined by likeness, ${doubtful} in doubt`
  return { rows, text, counts: { companies, joined, doubtful } }
}
