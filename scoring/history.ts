import type { LedgerTable } from '../pipeline/step.ts'
import { quoteLiteral } from '../pipeline/table.ts'
import type { Scoring } from './layers.ts'

/** Every score a lead ever had: a row whenever its score, tier, status or version is another than before. */
export const HISTORY: LedgerTable = {
  source: 'scoring',
  table: 'history',
  description: 'Score, tier and status of a lead, whenever one of them or the version of the cards changed.',
  write: 'append',
  columns: {
    lead_id: 'VARCHAR',
    run_id: 'VARCHAR',
    score: 'DOUBLE',
    tier: 'VARCHAR',
    qualification_status: 'VARCHAR',
    score_version: 'VARCHAR',
    scored_at: 'TIMESTAMP',
  },
  key: ['lead_id', 'score_version', 'scored_at', 'run_id'],
}

/** The cards behind every version, as they were written. */
export const VERSIONS: LedgerTable = {
  source: 'scoring',
  table: 'versions',
  description: 'The files of every version of the cards, so that a score can be explained, and gone back to, later.',
  write: 'append',
  columns: { score_version: 'VARCHAR', cards: 'JSON', first_used_at: 'TIMESTAMP' },
  key: ['score_version'],
}

export function versionRow({ cards, policy, version }: Scoring, as_of: string): object {
  const files = [...cards, policy].map(({ source }) => [source.yaml.file, source.content] as const)
  return { score_version: version, cards: Object.fromEntries(files), first_used_at: `${as_of}T00:00:00.000Z` }
}

/** Leads whose score, tier, status or version is not their latest in the history, by id. */
export function changesSince(run_id: string): string {
  return `
    with latest as (
      select lead_id, arg_max(
        {'score': score, 'tier': tier, 'status': qualification_status, 'version': score_version}, (scored_at, _load)
      ) as was
      from raw.scoring__history
      group by lead_id
    )
    select scores.lead_id, ${quoteLiteral(run_id)} as run_id, scores.score, scores.tier, scores.qualification_status,
      scores.score_version, scores.scored_at
    from scoring.lead_scores as scores
    left join latest using (lead_id)
    where latest.was is distinct from {
      'score': scores.score, 'tier': scores.tier, 'status': scores.qualification_status, 'version': scores.score_version
    }
    order by lead_id`
}
