import { createHash } from 'node:crypto'
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
export interface Exchange {
  service: string
  endpoint: string
  request_hash: string
  field: string | undefined
  company_id: string | undefined
  lead_id: string | undefined
  credits: number
  usd: number
  requested_at: string
  answer: { status: number; headers: Record<string, string>; text: string; fetched_at: string } | undefined
}

/** The request log. An answer is in the ledger before anyone reads it. */
export interface Journal {
  /** Answers to a request that had been fetched by the end of `as_of`, not `ttl_days` old by then; newest first. */
  find(request_hash: string, ttl_days: number): Promise<StoredAnswer[]>
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
  cached: 'BOOLEAN',
  requested_at: 'TIMESTAMP',
}
const ANSWERS = {
  request_hash: 'VARCHAR',
  call_id: 'VARCHAR',
  status: 'INTEGER',
  headers: 'JSON',
  body: 'VARCHAR',
  fetched_at: 'TIMESTAMP',
}

/**
 * Writes to `log.calls` and `log.answers`. The connection must be its own: nobody else's transaction may be open
 * on it. What arrives while a statement runs goes into the next one together, so that many small answers cost few commits.
 */
export function createJournal(connection: Connection, run_id: string, as_of: string): Journal {
  const alone = oneAtATime()
  let occurrences: Map<string, number> | undefined

  async function findAll(hashes: string[]): Promise<StoredAnswer[][]> {
    const rows = await connection.rows<Omit<StoredAnswer, 'headers' | 'text'> & { headers: string; body: string }>(
      `select request_hash, call_id, status, headers, body, fetched_at from log.answers
       where request_hash in (select unnest(from_json($1, '["VARCHAR"]'))) and fetched_at::date <= $2::date
       order by fetched_at desc, call_id desc`,
      [JSON.stringify(hashes), as_of],
    )
    const stored = rows.map(({ body, headers, ...row }) => ({
      ...row,
      headers: JSON.parse(headers) as Record<string, string>,
      text: body,
    }))
    return hashes.map((hash) => stored.filter(({ request_hash }) => request_hash === hash))
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
  async function nextCallId({ request_hash }: Exchange): Promise<string> {
    occurrences ??= await seenBefore()
    const nth = occurrences.get(request_hash) ?? 0
    occurrences.set(request_hash, nth + 1)
    const digest = createHash('sha256').update([run_id, request_hash, nth].join('\u001f')).digest('hex')
    return `cal_${digest.slice(0, 20)}`
  }

  async function writeAll(exchanges: Exchange[]): Promise<string[]> {
    const ids: string[] = []
    for (const exchange of exchanges) ids.push(await nextCallId(exchange))
    const calls = exchanges.map(({ answer, ...call }, index) => ({
      ...call,
      call_id: ids[index],
      run_id,
      status: answer?.status,
      cached: false,
    }))
    const answers = exchanges.flatMap(({ request_hash, answer }, index) =>
      answer === undefined
        ? []
        : [
            {
              request_hash,
              call_id: ids[index],
              status: answer.status,
              headers: answer.headers,
              body: answer.text,
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

  const find = batched((hashes: string[]) => alone(() => findAll(hashes)))
  return {
    async find(request_hash, ttl_days) {
      const oldest = new Date(Date.parse(as_of) - (ttl_days - 1) * 86_400_000).toISOString()
      return (await find(request_hash)).filter(({ fetched_at }) => fetched_at >= oldest)
    },
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
