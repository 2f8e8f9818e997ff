import { createHash } from 'node:crypto'
import { excise } from '../forget/excise.ts'
import { readTombstones, type Tombstones } from '../forget/tombstones.ts'
import type { Connection } from '../warehouse/duckdb.ts'

/** An answer as the ledger holds it. */
export interface StoredAnswer {
  request_hash: string
  call_id: string
  status: number
  headers: Record<string, string>
  text: string
  /** ISO 8601 UTC. */
  fetched_at: string
}

/** One exchange with a service; `answer` is absent when it broke after it may have been charged for. */
export interface Exchange extends Intent {
  /** Of the intent that went before; free calls have none. */
  call_id?: string
  hit: boolean | undefined
  answer: { status: number; headers: Record<string, string>; text: string; fetched_at: string } | undefined
  /** False: the answer is not to be kept. */
  record: boolean
}

/** A paid call that is about to be made, with the most it can cost. */
export interface Intent {
  service: string
  endpoint: string
  request_hash: string
  field: string | undefined
  company_id: string | undefined
  lead_id: string | undefined
  credits: number
  usd: number
  requested_at: string
}

/** What the ledger holds of a request. */
export interface Found {
  answers: StoredAnswer[]
  /** A paid one was made and broke off: it may have been charged for an answer that nobody has. */
  broken_off: boolean
}

/** The request log. An answer is in the ledger before anyone reads it. */
export interface Journal {
  /** What had been fetched by the end of `as_of`, and was not `ttl_days` old by then; newest first. */
  find(request_hash: string, ttl_days: number): Promise<Found>
  /** Resolves, with the call's id, once it is committed that the call will be made. Killed from then on, it counts as spent. */
  intend(intent: Intent): Promise<string>
  /** The call could not be made. */
  withdraw(call_id: string): Promise<void>
  /** Resolves, with the call's id, once the exchange is committed. */
  write(exchange: Exchange): Promise<string>
}

const CALLS = {
  call_id: 'VARCHAR',
  run_id: 'VARCHAR',
  service: 'VARCHAR',
  endpoint: 'VARCHAR',
  request_hash: 'VARCHAR',
  field: 'VARCHAR',
  company_id: 'VARCHAR',
  lead_id: 'VARCHAR',
  status: 'INTEGER',
  credits: 'DECIMAL(18,4)',
  usd: 'DECIMAL(18,6)',
  hit: 'BOOLEAN',
  cached: 'BOOLEAN',
  requested_at: 'TIMESTAMP',
}
const { status: _status, hit: _hit, cached: _cached, ...INTENTS } = CALLS
const ANSWERS = {
  request_hash: 'VARCHAR',
  call_id: 'VARCHAR',
  status: 'INTEGER',
  headers: 'JSON',
  body: 'VARCHAR',
  fetched_at: 'TIMESTAMP',
}

/**
 * Writes to `log.intents`, `log.calls` and `log.answers`. The connection must be its own: nobody else's transaction may be open
 * on it. What arrives while a statement runs goes into the next one together, so that many small answers cost few commits.
 */
export function createJournal(connection: Connection, run_id: string, as_of: string): Journal {
  const alone = oneAtATime()
  let occurrences: Map<string, number> | undefined
  let tombstones: Tombstones | undefined

  interface Row extends Omit<StoredAnswer, 'headers' | 'text' | 'status'> {
    status: number | null
    headers: string | null
    body: string | null
  }

  async function findAll(hashes: string[]): Promise<Row[][]> {
    const rows = await connection.rows<Row>(
      `with wanted as (select unnest(from_json($1, '["VARCHAR"]')) as request_hash)
       select request_hash, call_id, status, headers, body, fetched_at from log.answers semi join wanted using (request_hash)
       where fetched_at::date <= $2::date
       union all
       select request_hash, call_id, null, null, null, requested_at from log.calls semi join wanted using (request_hash)
       where status is null and credits > 0 and requested_at::date <= $2::date
       order by fetched_at desc, call_id desc`,
      [JSON.stringify(hashes), as_of],
    )
    return hashes.map((hash) => rows.filter(({ request_hash }) => request_hash === hash))
  }

  /** How often each request was made in this run before: by another who asked the same service. */
  async function seenBefore(): Promise<Map<string, number>> {
    const rows = await connection.rows<{ request_hash: string; n: number }>(
      'select request_hash, count(*) as n from log.calls where run_id = $1 group by all',
      [run_id],
    )
    return new Map(rows.map(({ request_hash, n }) => [request_hash, n]))
  }

  /** The id depends on run, request and its how-manieth time: not on the order in which answers arrive. */
  async function nextCallId({ request_hash }: Intent): Promise<string> {
    occurrences ??= await seenBefore()
    const nth = occurrences.get(request_hash) ?? 0
    occurrences.set(request_hash, nth + 1)
    const digest = createHash('sha256').update([run_id, request_hash, nth].join('\u001f')).digest('hex')
    return `cal_${digest.slice(0, 20)}`
  }

  async function writeAll(exchanges: Exchange[]): Promise<string[]> {
    const ids: string[] = []
    for (const exchange of exchanges) ids.push(exchange.call_id ?? (await nextCallId(exchange)))
    const calls = exchanges.map(({ answer, record: _record, ...call }, index) => ({
      ...call,
      call_id: ids[index],
      run_id,
      status: answer?.status,
      cached: false,
    }))
    tombstones ??= await readTombstones(connection, 'log')
    const { size, finder } = tombstones
    const answers = exchanges.flatMap(({ request_hash, answer, record, service }, index) =>
      answer === undefined || !record
        ? []
        : [
            {
              request_hash,
              call_id: ids[index],
              status: answer.status,
              headers: answer.headers,
              // Who was forgotten is not kept again, whoever tells of them.
              body: size === 0 ? answer.text : (excise(answer.text, finder(service)) ?? ''),
              fetched_at: answer.fetched_at,
            },
          ],
    )
    await connection.transaction(async () => {
      await connection.insert('log.calls', CALLS, calls)
      await connection.insert('log.answers', ANSWERS, answers)
    })
    return ids
  }

  async function intendAll(intents: Intent[]): Promise<string[]> {
    const ids: string[] = []
    for (const intent of intents) ids.push(await nextCallId(intent))
    const rows = intents.map((intent, index) => ({ ...intent, call_id: ids[index], run_id }))
    await connection.transaction(async () => {
      await connection.insert('log.intents', INTENTS, rows)
    })
    return ids
  }

  const find = batched((hashes: string[]) => alone(() => findAll(hashes)))
  return {
    async find(request_hash, ttl_days) {
      const oldest = new Date(Date.parse(as_of) - (ttl_days - 1) * 86_400_000).toISOString()
      const young = (await find(request_hash)).filter(({ fetched_at }) => fetched_at >= oldest)
      const answers = young.flatMap(({ body, headers, status, ...row }) => {
        if (status === null) return []
        return { ...row, status, headers: JSON.parse(headers!) as Record<string, string>, text: body! }
      })
      return { answers, broken_off: young.some(({ status }) => status === null) }
    },
    intend: batched((intents: Intent[]) => alone(() => intendAll(intents))),
    withdraw: batched((ids: string[]) =>
      alone(async () => {
        await connection.transaction(async () => {
          await connection.run(
            'delete from log.intents where call_id in (select unnest(from_json($1, \'["VARCHAR"]\')))',
            [JSON.stringify(ids)],
          )
        })
        return ids.map(() => undefined)
      }),
    ),
    write: batched((exchanges: Exchange[]) => alone(() => writeAll(exchanges))),
  }
}

function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }
}

/** Gathers what is asked for while `work` runs, and hands it over in one go. Results come in the order of the items. */
function batched<In, Out>(work: (items: In[]) => Promise<Out[]>): (item: In) => Promise<Out> {
  let waiting: { item: In; resolve: (out: Out) => void; reject: (error: unknown) => void }[] = []
  let busy = false

  async function drain(): Promise<void> {
    busy = true
    await Promise.resolve()
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        const results = await work(batch.map(({ item }) => item))
        for (const [index, { resolve }] of batch.entries()) resolve(results[index]!)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    busy = false
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (!busy) void drain()
    })
}
