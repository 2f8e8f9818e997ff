// How fast rows go to HubSpot when it does not limit us: a session writes companies to the stand-in (another process,
// no limits, no latency) through the shared HTTP layer. The floor: the same batches by bare fetch, five at once.
// node bench/hubspot.mjs [rows] (10000)
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loadFake } from './hubspot-fake.mjs'

const BATCH = 100
const rows = Number(process.argv[2] ?? 10_000)
const { module, folder } = await loadFake()
const { fakeHubspot, setUp, TOKEN, httpWorld, createHttp, hubspot } = module

if (process.env.HUBSPOT_SERVER) {
  const server = await fakeHubspot({})
  setUp(server.store)
  process.send(server.base_url)
} else await measure()

async function measure() {
  const [ours, floor] = [await server(), await server()]
  const all = Array.from({ length: rows }, (_, n) => ({
    ...{ record_id: `cmp_${n}`, crm_id: null, links: [] },
    fields: { name: `Company ${n}`, domain: `company${n}.example`, numberofemployees: n, city: 'Recife' },
  }))
  const world = await httpWorld()
  const signal = new AbortController().signal
  const http = createHttp({
    ...{ connection: world.connection, run_id: 'run_1', as_of: new Date().toISOString().slice(0, 10), signal },
    ...{ now: () => new Date(), random: Math.random, live: new Set(['sync']) },
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    budget: { priceOf: () => undefined, reserve: () => ({ settle() {} }) },
  })
  const settings = hubspot.settings.parse({ token: TOKEN, portal_id: '123456', base_url: ours.url })
  const context = { settings, root: '.', as_of: '2026-11-22', now: () => new Date(), signal }
  const session = hubspot.connect({ ...context, http: (options) => http({ ...options, service: 'hubspot' }) })
  const ids = []
  const seconds = await timed(async () => {
    for (let from = 0; from < rows; from += hubspot.batch) {
      const outcomes = await session.upsert('companies', all.slice(from, from + hubspot.batch))
      ids.push(...outcomes.map(({ status, crm_id }) => (status === 'done' ? crm_id : null)))
    }
  })
  const bare = await timed(() => byFetch(floor.url, all))
  const made = new Set(ids).size
  if (made !== rows || ids.includes(null)) throw new Error(`${made} of ${rows} rows arrived`)
  const rate = (s) => `${Math.round(rows / s)} rows/s`
  console.log(
    `${rows} companies: ${seconds.toFixed(1)} s, ${rate(seconds)}; bare fetch ${bare.toFixed(1)} s, ${rate(bare)}`,
  )
  console.log(`ratio ${(seconds / bare).toFixed(2)}; ${Math.round(process.memoryUsage().rss / 1e6)} MB resident`)
  ours.child.kill()
  floor.child.kill()
  world.connection.close()
  world.database.close()
}

async function byFetch(url, all) {
  const batches = []
  for (let from = 0; from < rows; from += BATCH) batches.push(all.slice(from, from + BATCH))
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
  const worker = async () => {
    for (let batch = batches.shift(); batch; batch = batches.shift()) {
      const inputs = batch.map(({ record_id: id, fields }) => ({
        ...{ id, idProperty: 'lead_engine_id', objectWriteTraceId: id },
        properties: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)])),
      }))
      const path = '/crm/objects/2026-09/companies/batch/upsert'
      await (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify({ inputs }) })).json()
    }
  }
  await Promise.all(Array.from({ length: 5 }, worker))
}

async function server() {
  const env = { ...process.env, HUBSPOT_SERVER: '1' }
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url)], {
    env,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const url = await new Promise((resolve) => child.once('message', resolve))
  return { child, url }
}

async function timed(work) {
  const from = performance.now()
  await work()
  return (performance.now() - from) / 1_000
}

rmSync(folder, { recursive: true, force: true })
