import type { StepContext } from '../pipeline/step.ts'
import type { Tally } from './counts.ts'
import type { Settings } from './settings.ts'

/** Below so many records nobody is asked: a share of little says nothing. */
const FEW = 100

/** Why a sync of this size needs somebody's yes; undefined when it needs none. */
export async function guardProblem(
  { connection }: StepContext,
  { share, creates }: Settings['guard'],
  tally: Tally,
): Promise<string | undefined> {
  const hint =
    'Read target/sync_plan.json, then: pipeline sync apply target/sync_plan.json, or pipeline sync apply --yes'
  if (tally.create > creates)
    return `${tally.create} records would be made, more than sync.guard.creates (${creates}): nothing was written. ${hint}`
  const [held] = await connection.rows<{ n: number }>(
    `select count(*) as n from raw.sync__outcomes where crm_id is not null and operation <> 'archive'`,
  )
  const touched = tally.update + tally.archive
  if (held!.n < FEW || touched <= share * held!.n) return undefined
  const percent = Math.round((100 * touched) / held!.n)
  return `${touched} of ${held!.n} records would be changed (${percent} %), more than sync.guard.share: nothing was written. ${hint}`
}
