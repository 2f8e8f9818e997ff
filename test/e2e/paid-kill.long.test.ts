import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../pipeline/config.ts'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { initLedger } from '../../pipeline/warehouse/ledger-files.ts'
import { openSession } from '../../pipeline/warehouse/session.ts'
import { type FaultServer, faultServer, json } from '../helpers/fault-server.ts'
import { ROOT } from '../helpers/ingest.ts'
import { CONFIG, projectFolder } from '../helpers/project.ts'

// A paid enrichment is killed (-9) at random moments, again and again, until it is done. PAID_KILLS=50 and
// PAID_COMPANIES=2000 make it long (bench/paid-kill.mjs).

const KILLS = Number(process.env.PAID_KILLS ?? 3)
const COMPANIES = Number(process.env.PAID_COMPANIES ?? 300)
const SEED = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 1_000_000))
const LONG = 60_000 + KILLS * 20_000
/** The whole enrichment would take so long, were it not killed: every kill falls into it. */
const LATENCY_MS = 20

/** mulberry32: the same numbers for the same seed. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

describe(`a paid enrichment of ${COMPANIES} companies, killed ${KILLS} times (KILL_SEED=${SEED})`, () => {
  /** The vendor's own books: who was answered, and charged for, in this order. */
  const answered: string[] = []
  let server: FaultServer
  let root: string
  let program: string
  let folder: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lead-engine-paid-'))
    program = join(folder, 'paid-run.mjs')
    await build({
      absWorkingDir: ROOT,
      entryPoints: ['test/helpers/paid-run.ts'],
      outfile: program,
      ...{ bundle: true, format: 'esm', platform: 'node', target: 'node20', logLevel: 'error' },
      packages: 'external',
      banner: { js: `import { createRequire } from 'node:module'; const require = createRequire('${ROOT}/x.js')` },
      plugins: [
        {
          name: 'packages of the repository',
          setup: (made) =>
            made.onResolve({ filter: /^[^./]/ }, ({ path }) =>
              path.startsWith('node:') ? { external: true } : { path: import.meta.resolve(path), external: true },
            ),
        },
      ],
    })
    server = await faultServer((response, { url }) => {
      setTimeout(() => {
        answered.push(url)
        json(response, 200, { company: url.split('/').at(-1), employees: 10 })
      }, LATENCY_MS)
    })
    root = projectFolder({ 'models/marts/bought.sql': "select * from {{ source('finder', 'found') }}" })
    const problems: never[] = []
    const { target } = loadConfig({ file: 'pipeline.yaml', text: CONFIG, sections: {}, env: {}, problems })!
    const { info } = await initLedger(placesOf(root, target), new Date())
    const live = `exports: data/exports, ledger_id: ${info.ledger_id}, live: [spend],`
    writeFileSync(
      join(root, 'pipeline.yaml'),
      `${CONFIG.replace('exports: data/exports,', live)}budget: { usd_per_month: ${COMPANIES}, providers: {} }\n`,
    )
  }, LONG)
  afterAll(async () => {
    await server.close()
    for (const path of [root, folder]) rmSync(path, { recursive: true, force: true })
  })

  /** Runs it; with `asked`, kills it so long after the vendor has been asked for the first time in this run. */
  function attempt(asked?: number): Promise<{ code: number | null; signal: string | null; text: string }> {
    const before = server.seen.length
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [program, root, server.base_url, String(COMPANIES)])
      let text = ''
      child.stdout.on('data', (chunk: Buffer) => (text += chunk))
      child.stderr.on('data', (chunk: Buffer) => (text += chunk))
      const watch = setInterval(() => {
        if (asked === undefined || server.seen.length <= before) return
        clearInterval(watch)
        setTimeout(() => child.kill('SIGKILL'), asked)
      }, 2)
      child.on('close', (code, signal) => {
        clearInterval(watch)
        resolve({ code, signal, text })
      })
    })
  }

  it(
    'no paid call is answered twice, and the ledger is the vendor’s journal',
    async () => {
      const random = numbers(SEED)
      const whole = (COMPANIES / 16) * LATENCY_MS
      let killed = 0
      for (let n = 0; n < KILLS; n++) {
        const { signal } = await attempt(random() * (whole / KILLS) * 2)
        if (signal === 'SIGKILL') killed++
      }
      expect(killed).toBeGreaterThan(KILLS / 2)
      const last = await attempt()
      expect(last.code, last.text).toBe(0)

      const { connection, close } = await openSession({
        ledger: join(root, 'data/ledger.duckdb'),
        as_of: '2000-01-01',
        ledger_read_only: true,
      })
      const calls = await connection.rows<{
        url: string
        status: number | null
        credits: number
        body: string | null
      }>(`
        select replace(endpoint, 'GET ', '') as url, calls.status, credits::double as credits, body
        from _ledger.log.calls left join _ledger.log.answers using (call_id)`)
      const open = await connection.rows(
        'select * from _ledger.log.intents anti join _ledger.log.calls using (call_id)',
      )
      const landed = await connection.rows('select distinct company from _ledger.raw.finder__found')
      close()

      const twice = answered.filter((url, index) => answered.indexOf(url) !== index)
      expect(twice).toEqual([])
      expect(open).toEqual([])
      const inLedger = calls.filter(({ status }) => status !== null)
      const in_doubt = calls.filter(({ status }) => status === null)
      const journal = new Set(answered)
      expect(inLedger.filter(({ url, body }) => !journal.has(url) || body === null)).toEqual([])
      const known = new Set(calls.map(({ url }) => url))
      expect([...journal].filter((url) => !known.has(url))).toEqual([])
      expect(calls.every(({ credits }) => credits === 1)).toBe(true)
      expect(new Set(calls.map(({ url }) => url)).size).toBe(calls.length)
      expect(calls).toHaveLength(COMPANIES)
      expect(in_doubt.length).toBeLessThanOrEqual(16 * killed)
      expect(landed).toHaveLength(inLedger.length)
      expect(last.text).toContain(`${inLedger.length} bought, ${in_doubt.length} in doubt`)
    },
    LONG,
  )
})
