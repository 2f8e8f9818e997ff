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

/** A failure of the moment: the next call may work. */
function isPassing(error: unknown): boolean {
  return error instanceof RemoteError && !['key', 'quota', 'forbidden', 'refused'].includes(error.reason ?? '')
}

/** `true` for every outcome that says: so it is now. */
export function isDone({ status }: Outcome): boolean {
  return status === 'done'
}
