import { among, type Chapter, type Library, linesOf, type Whom } from '../pipeline/story.ts'

/** Score, tier and status of the leads, with the rules that made them. */
export async function scoringChapter(library: Library, { lead_ids }: Whom): Promise<Chapter> {
  const leads = among(lead_ids)
  const lines = await linesOf(
    library,
    ['marts.fct_scored_leads'],
    `select scored_at as at, text from (
        select lead_id, 0 as part, scored_at, lead_id || ': score ' || format('{:.4g}', score) || ', tier ' || coalesce(tier, 'none')
          || ', ' || qualification_status || case when len(needs_data) > 0
            then '; not known: ' || array_to_string(needs_data, ', ') else '' end as text
        from marts.fct_scored_leads where lead_id ${leads}
        union all
        select lead_id, 1, scored_at, '  ' || format('{:+.4g}', reason.points::double) || '  ' || reason.because
        from (select lead_id, scored_at, unnest(reasons) as reason from marts.fct_scored_leads where lead_id ${leads})
      ) order by lead_id, part`,
  )
  return { name: 'score', title: 'score and rules', lines }
}
