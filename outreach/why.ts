import { among, type Chapter, type Library, linesOf, type Whom } from '../pipeline/story.ts'

/** What was planned, what the guard said, what was sent and what came back. */
export async function outreachChapter(library: Library, { lead_ids }: Whom): Promise<Chapter> {
  const lines = await linesOf(
    library,
    ['marts.fct_outreach_events'],
    `select coalesce(sent_at, planned_at) as at, channel || ' ' || sequence || ' ' || step_id || ': ' || status
        || coalesce(', the guard says ' || skip_reason, '') || coalesce(', approved by ' || approved_by, '')
        || coalesce(', answered: ' || response_type, '') as text
      from marts.fct_outreach_events where lead_id ${among(lead_ids)} order by lead_id, sequence, sequence_step`,
  )
  const held = await linesOf(
    library,
    ['ops.lead_holds'],
    `select null as "at", lead_id || ': the guard holds it back, ' || reason || coalesce(' until ' || until, '') as "text"
      from ops.lead_holds where lead_id ${among(lead_ids)} order by lead_id`,
  )
  return { name: 'outreach', title: 'guard and messages', lines: [...lines, ...held] }
}
