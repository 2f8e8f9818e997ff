import { linkSync } from 'node:fs'
import { join } from 'node:path'
import type { StepContext, StepSummary } from '../step.ts'
import { type BulkSet, ledgerTable } from './delimited.ts'
import { findFiles } from './folder.ts'
import { readSet } from './read-set.ts'
import { discardWhole, findWhole, landFromWhole, landWhole, summaryOf } from './whole.ts'

const KEPT_SNAPSHOTS = 2

/**
 * Reads the newest set of zips below a folder and lands every table as Parquet in the lake (see readSet), or, where `whole`
 * says so, all of it beside the lake, once, and from there what is wanted. Nothing is committed before everything is read.
 * @throws ProjectError when no complete set is there; CheckFailed when a file does not have the columns it should.
 */
export async function landBulk(context: StepContext, set: BulkSet): Promise<StepSummary> {
  const files = await findFiles(context.paths.root, set)
  if (set.whole) {
    const whole =
      findWhole(context, set, ({ fingerprint }) => fingerprint === files.fingerprint) ??
      (await landWhole(context, set, files))
    const summary = await landFromWhole(context, set, whole)
    if (whole.failures.length > 0) discardWhole(context, set, whole)
    return summary
  }
  const { landed, tally, journal } = await readSet(context, set, files)
  const tables = landed.map(({ table, rows }) => ({ table: ledgerTable(set.source, table), rows }))
  for (const { table, parts } of landed) {
    const folder = context.lakeFolder(ledgerTable(set.source, table), files.snapshot)
    for (const [index, part] of parts.entries()) {
      linkSync(part, join(folder, `${table.table}-${String(index).padStart(4, '0')}.parquet`))
    }
  }
  await context.commitLake(tables, files.snapshot, `${set.filter} of files ${files.fingerprint}`)
  journal.clear()
  const gone = await context.letGoOfSnapshots(set.source, set.keep_snapshots ?? KEPT_SNAPSHOTS)
  return summaryOf({ ...files, counts: tally.counts, failures: tally.failures }, landed, gone)
}
