// What CRM files may use beside the contract: `define.ts` hands it on.
import { RemoteError } from '../pipeline/errors.ts'
import type { Outcome } from './records.ts'

export { RemoteError, type RemoteReason } from '../pipeline/errors.ts'
export type { Http, HttpAnswer, HttpOptions, HttpRequest, Limits, Meaning, Told } from '../pipeline/http.ts'
export type * from './records.ts'

/** Cut into lists of at most `size`. */
export function cut<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  )
}

/**
 * Calls for each cut of a list, all asked for at once (the layer lets as many through as the CRM takes), answers in order.
 */
export async function inCuts<T, R>(
  list: readonly T[],
  size: number,
  call: (cut: T[]) => Promise<readonly R[]>,
): Promise<R[]> {
  return (await Promise.all(cut(list, size).map(call))).flat()
}

/**
 * The same for what is written: the rows of a call that failed for now are `unknown`, those of the others have their
 * outcomes. A failure that is the whole CRM's (key, quota, no permission) is thrown, after the others were answered.
 */
export async function writeInCuts<T>(
  list: readonly T[],
  size: number,
  write: (cut: T[]) => Promise<readonly Outcome[]>,
): Promise<Outcome[]> {
  let fatal: unknown
  const answers = await Promise.all(
    cut(list, size).map(async (rows): Promise<readonly Outcome[]> => {
      try {
        return await write(rows)
      } catch (error) {
        if (!isPassing(error)) fatal ??= error
        const message = error instanceof RemoteError ? error.message : null
        return rows.map(() => ({ status: 'unknown', crm_id: null, message }))
      }
    }),
  )
  if (fatal !== undefined) throw fatal
  return answers.flat()
}

/**
 * A batch that may be refused whole for one row of it: cut in halves until what is wrong stands alone, which takes at most
 * 2·log₂(n) more calls for one bad row among n. `send` answers what came of each row, or why all were refused.
 */
export async function isolating<T>(
  rows: readonly T[],
  send: (rows: readonly T[]) => Promise<readonly Outcome[] | { refused: Outcome }>,
  isRefused = false,
): Promise<readonly Outcome[]> {
  if (rows.length === 0) return []
  if (!isRefused || rows.length === 1) {
    const told = await send(rows)
    if (!('refused' in told)) return told
    if (rows.length === 1) return [told.refused]
  }
  const middle = Math.floor(rows.length / 2)
  const first = await isolating(rows.slice(0, middle), send)
  // Where all of the first half is good, what is wrong is in the second, which need not be tried whole.
  return [...first, ...(await isolating(rows.slice(middle), send, first.every(isDone)))]
}

/** A failure of the moment: the next call may work. */
function isPassing(error: unknown): boolean {
  return error instanceof RemoteError && !['key', 'quota', 'forbidden', 'refused'].includes(error.reason ?? '')
}

/** `true` for every outcome that says: so it is now. */
export function isDone({ status }: Outcome): boolean {
  return status === 'done'
}
