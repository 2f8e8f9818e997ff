import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDatabase } from '../../pipeline/warehouse/duckdb.ts'
import { loadScoring } from '../../scoring/load.ts'
import type { Api } from '../../serve/context.ts'
import { buildServer } from '../../serve/server.ts'
import { settings } from '../../serve/settings.ts'
import { readUsers } from '../../serve/users.ts'
import { pipeline, projectCopy } from '../helpers/cli.ts'

type Body = Record<string, unknown> & { data: Record<string, unknown>[]; next: string | null }

const TOKEN = 'a-token-that-is-long-enough'
let root: string
let open: Api
let guarded: Api
const closing: (() => Promise<void>)[] = []

beforeAll(async () => {
  root = projectCopy({}, 60)
  const { code, stderr } = await pipeline(root, ['run', '--quiet'])
  if (code !== 0) throw new Error(stderr)
  open = server({})
  guarded = server({
    users: [
      { name: 'ana', role: 'rep', token_env: 'ANA' },
      { name: 'ops', role: 'operator', token_env: 'OPS' },
    ],
  })
}, 120_000)

afterAll(async () => {
  for (const close of closing) await close()
  rmSync(root, { recursive: true, force: true })
})

function server(written: object): Api {
  const env = { ANA: TOKEN, OPS: `${TOKEN}-of-ops` }
  const parsed = settings.parse(written)
  const { api, context } = buildServer({
    settings: parsed,
    users: readUsers(parsed, env, [], () => undefined),
    warehouse: join(root, 'data', 'warehouse.duckdb'),
    data: join(root, 'data'),
    threads: 2,
    env,
    now: () => new Date('2026-03-01T12:00:00Z'),
    fault: (message) => {
      throw new Error(message)
    },
    async loadScoring() {
      const yaml = { file: 'pipeline.yaml', data: {}, lineOf: () => 1 }
      return (await loadScoring(root, { scores: ['fit', 'fit_us', 'intent'], brief: 'deal_brief' }, yaml, []))!
    },
  })
  closing.push(() => context.publications.close())
  return api
}

async function ask(api: Api, path: string, init: RequestInit = {}): Promise<{ status: number; body: Body }> {
  const headers = { host: 'localhost', 'content-type': 'application/json', ...(init.headers as object) }
  const response = await api.request(`http://localhost${path}`, { ...init, headers })
  return { status: response.status, body: (await response.json()) as Body }
}

it('scores every lead of a run as the run did', async () => {
  const database = await openDatabase({ path: join(root, 'data', '.build', 'warehouse.duckdb'), read_only: true })
  const connection = await database.connect()
  const leads = await connection.rows('select * from intermediate.int_lead_facts order by lead_id')
  const scored = await connection.rows(
    'select lead_id, score, tier, qualification_status, budget_signal, authority_signal, need_signal, timeline_signal, reasons from marts.fct_scored_leads order by lead_id',
  )
  connection.close()
  database.close()
  const { status, body } = await ask(open, '/v1/score', { method: 'POST', body: JSON.stringify({ leads }) })
  expect(status).toBe(200)
  expect(leads.length).toBeGreaterThan(20)
  const columns = Object.keys(scored[0]!)
  expect(body.data.map((row) => Object.fromEntries(columns.map((name) => [name, row[name]])))).toEqual(scored)
})

it('pages lose no lead and double none, in any order', async () => {
  const { body: all } = await ask(open, '/v1/leads?limit=500')
  for (const order of ['asc', 'desc']) {
    for (const sort of ['score', 'company_name', 'employee_count', 'enriched_at']) {
      const seen: unknown[] = []
      for (let after: string | null = ''; after !== null; ) {
        const { body }: { body: Body } = await ask(
          open,
          `/v1/leads?limit=7&sort=${sort}&order=${order}${after === '' ? '' : `&after=${after}`}`,
        )
        seen.push(...body.data.map((row) => row.lead_id))
        after = body.next
      }
      expect([...new Set(seen)].sort()).toEqual(all.data.map((row) => row.lead_id).sort())
      expect(seen.length).toBe(all.data.length)
    }
  }
})

it('the first decision on a message stands, and the same key is done once', async () => {
  const { body } = await ask(open, '/v1/outreach?limit=1&status=planned')
  const { event_id, content_hash } = body.data[0]!
  const post = (what: string, key: string, said: object) =>
    ask(open, `/v1/outreach/${event_id}/${what}`, {
      method: 'POST',
      headers: { 'idempotency-key': key },
      body: JSON.stringify(said),
    })
  const first = await post('approve', 'key-number-1', { content_hash })
  expect(first).toMatchObject({ status: 200, body: { repeated: false } })
  expect(readdirSync(join(root, 'data', 'incoming')).length).toBe(1)
  expect(await post('approve', 'key-number-1', { content_hash })).toMatchObject({
    status: 200,
    body: { repeated: true },
  })
  expect(await post('approve', 'key-number-1', { content_hash: 'other' })).toMatchObject({ status: 422 })
  expect(await post('reject', 'key-number-2', {})).toMatchObject({
    status: 409,
    body: { decided: { decision: 'approve', by: 'local' } },
  })
  expect((await ask(server({}), '/v1/pending')).body.data).toMatchObject([
    { kind: 'approve', subject_id: event_id, waits_for: 'next_run' },
  ])
})

it('says who may come in, what of, and hides people from who may not see them', async () => {
  const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
  expect(await ask(guarded, '/v1/leads')).toMatchObject({ status: 401, body: { code: 'unknown_user' } })
  expect(await ask(guarded, '/v1/leads', as(`${TOKEN}x`))).toMatchObject({ status: 401 })
  expect((await ask(guarded, '/v1/leads', as(TOKEN))).body.data).toEqual([])
  const { body } = await ask(guarded, '/v1/contacts?limit=100', as(`${TOKEN}-of-ops`))
  expect(body.data.length).toBeGreaterThan(0)
  for (const { email, full_name } of body.data) {
    if (email !== null) expect(email).toMatch(/^.\*\*\*@/)
    expect(full_name).not.toMatch(/[a-z]{2}/)
  }
  expect(await ask(open, '/v1/leads', { headers: { host: 'evil.example' } })).toMatchObject({ status: 421 })
})

it('describes itself', async () => {
  const { status, body } = await ask(open, '/openapi.json')
  expect(status).toBe(200)
  expect(Object.keys(body.paths as object)).toContain('/v1/leads/{id}/brief')
})
