import type { Connection } from '../../pipeline/warehouse/duckdb.ts'
import { createCandidates } from './block.ts'
import { createClusters, RANK } from './cluster.ts'
import { COMPARISONS } from './compare.ts'
import { estimateWeights, type Weights } from './estimate.ts'
import { createProfiles } from './profiles.ts'
import { comparePairs, PROBABILITY, totalBits } from './score.ts'
import type { MatchSettings } from './settings.ts'
import type { Lexicon } from './words.ts'

export interface ResolveOptions {
  /** SELECT of the records: `r` from 1 without gaps, and INPUT_COLUMNS. */
  input: string
  lexicon: Lexicon
  settings: MatchSettings
  /** SELECT of (a, b, is_same, position) by record: what people decided, the latest with the lowest position. */
  decisions?: string
  /** SELECT of (a, b): compare these pairs, and no others. */
  pairs?: string
  progress?: (text: string) => void
}

/**
 * Finds out which records are the same company: reads, blocks, compares, estimates, scores. Afterwards `match_scored` has
 * (a, b, levels, bits, probability) of every pair that was compared, on this connection's temporary tables.
 */
export async function scorePairs(connection: Connection, options: ResolveOptions): Promise<Weights> {
  const { progress = () => {}, settings } = options
  await createProfiles(connection, options.input, options.lexicon)
  progress('names and addresses read')
  if (options.pairs === undefined) await createCandidates(connection)
  else
    await connection.run(
      `create or replace temp table match_candidates as select distinct a::integer as a, b::integer as b from (${options.pairs})`,
    )
  progress('pairs chosen')
  await comparePairs(connection, options.pairs !== undefined)
  await connection.run('drop table match_candidates')
  const [compared] = await connection.rows<{ pairs: number }>('select count(*) as pairs from match_compared')
  progress(`${compared!.pairs} pairs compared`)
  const share = options.pairs === undefined ? settings.share_of_candidates : settings.share_of_pairs
  const weights = await estimateWeights(connection, share)
  progress('weights estimated')
  const fields = COMPARISONS.map(({ field }) => field).join(', ')
  await connection.run(`
    create or replace temp table match_scored as
        select a, b, ${fields}, rarity, detail, bits, ${PROBABILITY('bits')} as probability
        from (select *, ${totalBits(weights)}::double as bits from match_compared);
    drop table match_compared`)
  return weights
}

/** The same, and `match_clusters` (r, c) of what belongs together. */
export async function resolveRecords(connection: Connection, options: ResolveOptions): Promise<Weights> {
  const weights = await scorePairs(connection, options)
  const { match, contradiction } = options.settings
  const decided = options.decisions ?? 'select 0 as a, 0 as b, true as is_same, 0 as position where false'
  await connection.run(`
    create or replace temp table match_links as
        with decided as (
            select least(a, b)::integer as a, greatest(a, b)::integer as b,
                case when is_same then 1 else -1 end * (1000000 - position)::double as bits, ${RANK.decided} as rank
            from (${decided})
            where a <> b
            qualify row_number() over (partition by least(a, b), greatest(a, b) order by position) = 1
        ),
        exact as (
            select lag(r) over (partition by exact_key order by r) as a, r as b, 100::double as bits, ${RANK.exact} as rank
            from match_profiles where exact_key is not null
        ),
        probable as (
            select a, b, case when probability >= ${match} then greatest(bits, 0.001) else least(bits, -0.001) end as bits, ${RANK.probable} as rank
            from match_scored where probability >= ${match} or probability <= ${contradiction}
        )
        select * from decided
        union all
        select exact.* from exact anti join (select a, b from decided where bits < 0) as told using (a, b) where exact.a is not null
        union all
        select probable.* from probable anti join decided using (a, b)`)
  await createClusters(connection)
  options.progress?.('clusters made')
  return weights
}
