import { isolating, type Outcome } from '../../define.ts'
import { batchAnswer, type Failure, failureOf, type HubspotRecord, listOf, readAs, rejection } from './answers.ts'
import type { Answered, Client } from './client.ts'
import { KEY } from './objects.ts'
import { paths } from './paths.ts'

/** One row, as a batch carries it. */
export interface Input {
  id?: string
  idProperty?: string
  objectWriteTraceId: string
  properties: Record<string, string>
  associations?: unknown
}

export type Act = 'create' | 'update' | 'upsert'

/** Rows that HubSpot takes in one call. */
export const MOST = 100

/**
 * One batch, whatever it comes back with. A batch refused as a whole is halved until the bad row stands alone; a row that the
 * answer says nothing about is sent once more by itself.
 */
export async function writeBatch(
  client: Client,
  object: string,
  act: Act,
  inputs: readonly Input[],
): Promise<readonly Outcome[]> {
  return isolating(inputs, (some) => writeOnce(client, object, act, some))
}

async function writeOnce(
  client: Client,
  object: string,
  act: Act,
  inputs: readonly Input[],
): Promise<readonly Outcome[] | { refused: Outcome }> {
  const answer = await client.post(paths.batch(object, act), { inputs }, { once: act === 'create' })
  if (answer.status >= 400) return refusedWhole(client, object, act, inputs, answer)
  const outcomes = joined(inputs, answer)
  if (act === 'create') return outcomes.map((outcome) => outcome ?? UNTOLD)
  const untold = inputs.filter((_, index) => outcomes[index] === undefined)
  if (untold.length === 0) return outcomes.map((outcome) => outcome!)
  const again = await client.post(paths.batch(object, act), { inputs: untold })
  const second = again.status >= 400 ? untold.map(() => undefined) : joined(untold, again)
  return outcomes.map((outcome, index) => outcome ?? second[untold.indexOf(inputs[index]!)] ?? UNTOLD)
}

const UNTOLD: Outcome = { status: 'unknown', crm_id: null, message: 'the answer says nothing about this row' }

/** Where the answer names records that are not there, the others are sent without them. */
async function refusedWhole(
  client: Client,
  object: string,
  act: Act,
  inputs: readonly Input[],
  { data }: Answered,
): Promise<readonly Outcome[] | { refused: Outcome }> {
  const failure = failureOf(data)
  const refused = rejection(failure)
  const missing = new Set(failure.category === 'OBJECT_NOT_FOUND' ? listOf(failure.context?.ids ?? undefined) : [])
  const rest = inputs.filter(({ id }) => id === undefined || !missing.has(id))
  if (inputs.length === 1 || rest.length === inputs.length) return { refused }
  const others = await writeBatch(client, object, act, rest)
  return inputs.map((input) => others[rest.indexOf(input)] ?? refused)
}

/** Results and errors find their row by trace id, else by our key or the record's id; never by their place. */
function joined(inputs: readonly Input[], answer: Answered): (Outcome | undefined)[] {
  const { results, errors } = readAs(batchAnswer, answer.data, 'a batch')
  const byTrace = new Map<string, HubspotRecord>()
  const byKey = new Map<string, HubspotRecord>()
  const byId = new Map<string, HubspotRecord>()
  for (const record of results) {
    if (record.objectWriteTraceId) byTrace.set(record.objectWriteTraceId, record)
    if (record.properties[KEY]) byKey.set(record.properties[KEY], record)
    byId.set(record.id, record)
  }
  const failed = new Map<string, Failure>()
  for (const failure of errors ?? []) {
    const about = failure.context ?? {}
    for (const id of [...listOf(about.objectWriteTraceId), ...listOf(about.ids)]) failed.set(id, failure)
  }
  return inputs.map(({ id = '', objectWriteTraceId, properties }): Outcome | undefined => {
    const record = byTrace.get(objectWriteTraceId) ?? byKey.get(properties[KEY] ?? '') ?? byId.get(id)
    if (record !== undefined) return { status: 'done', crm_id: record.id }
    const failure = failed.get(objectWriteTraceId) ?? failed.get(id)
    return failure === undefined ? undefined : rejection(failure)
  })
}
