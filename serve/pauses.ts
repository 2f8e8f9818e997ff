import { foldPauses, type Pause } from '../pipeline/pauses.ts'
import type { Acts } from './acts.ts'
import type { Snapshot } from './publications.ts'

/** What is held at this moment: by what was published, and by what people left since. */
export async function pausesNow(snapshot: Snapshot, acts: Pick<Acts, 'of'>): Promise<Pause[]> {
  const rows = await snapshot.use((_, connection) =>
    connection.rows<{ id: string; kind: string; at: string; body: string }>(
      'select message_id as id, kind, sent_at as at, body from ops.pauses order by sent_at, message_id',
    ),
  )
  const known = rows.map((each) => ({ ...each, body: JSON.parse(each.body) as Record<string, unknown> }))
  return foldPauses([...known, ...acts.of('pause', 'resume')])
}
