import type { Field, Provider, Subject } from '../../ingest/define.ts'
import { icpSchema } from '../../ingest/icp.ts'
import { parseJson } from '../../pipeline/http/json.ts'
import type { Http } from '../../pipeline/http.ts'
import type { Asked, Replayed } from './vendor-server.ts'

type Row = Record<string, unknown>

/** What a resource yields when a vendor's replay server is asked without a network in between, and what it was asked. */
export async function askedInProcess(
  provider: unknown,
  resource: string,
  vendor: (asked: Asked) => Replayed,
  given: {
    settings: Row
    headers: Record<string, string>
    icp?: object
    subjects?: readonly Subject[]
    fields?: Field[]
  },
): Promise<{ rows: Row[]; asked: { path: string; body: Row; query: URLSearchParams }[] }> {
  const { resources, settings } = provider as Provider
  const asked: { path: string; body: Row; query: URLSearchParams }[] = []
  const http: Http = {
    async send({ method = 'GET', path, query = {}, body }, expect = [200]) {
      const pairs = Object.entries(query).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, String(value)]],
      )
      const url = new URLSearchParams(pairs as [string, string][])
      const sent = body === undefined ? undefined : (JSON.parse(JSON.stringify(body)) as Row)
      asked.push({ path, body: sent ?? {}, query: url })
      const answer = vendor({ method, path, query: url, headers: given.headers, body: sent })
      const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
      if (!expect.includes(answer.status)) throw new Error(`${answer.status} ${text}`)
      const told = { status: answer.status, headers: answer.headers ?? {}, text, fetched_at: '2026-03-10T08:00:00Z' }
      return { ...told, json: () => parseJson(text), cached: false, call_id: '' }
    },
  }
  const profile = { description: 'All', hard: { countries: ['BR', 'US'] } }
  const rows: Row[] = []
  const pages = resources[resource]!.pages!({
    settings: settings.parse(given.settings),
    icp: icpSchema.parse({ version: 1, profiles: { all: { ...profile, ...given.icp } } }),
    http,
    as_of: '2026-03-10',
    subjects: given.subjects ?? [],
    fields: given.fields ?? [],
  })
  for await (const page of pages) rows.push(...(page as Row[]))
  return { rows, asked }
}
