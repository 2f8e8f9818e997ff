import { batchesOf } from '../../ingest/batches.ts'
import { type Listed, tableOf } from '../../ingest/catalogue.ts'
import type { Field } from '../../ingest/define.ts'
import { icpSchema } from '../../ingest/icp.ts'
import { Intake } from '../../ingest/intake.ts'
import { RemoteError } from '../../pipeline/errors.ts'
import { createHttp, type Http, NotAsked } from '../../pipeline/http.ts'
import type { LedgerTable, Step, StepContext } from '../../pipeline/step.ts'
import { type Connection, withTransactions } from '../../pipeline/warehouse/duckdb.ts'
import { RICH } from './http-world.ts'
import type { ProviderFixture, Scene, VendorServer } from './vendor-server.ts'
import { world } from './world.ts'

const AS_OF = '2026-03-10'
const START = Date.parse(`${AS_OF}T08:00:00.000Z`)
/** Batches under way at once, as in the waterfall. */
const AT_ONCE = 4

const icp = icpSchema.parse({
  version: 1,
  profiles: {
    all: { description: 'All', hard: { countries: ['BR', 'GB'], tech: { wanted: ['Google Tag Manager'] } } },
  },
})

/** What became of a scene. */
export interface Played {
  /** Rows of the resource's table, each key once. */
  rows: Record<string, unknown>[]
  /** What went wrong, batch by batch, in the order of batches. */
  errors: unknown[]
  /** What the report says of drift and of rows that did not fit, and why. */
  notes: string[]
}

/** A ledger for many scenes, emptied before each. */
export interface Stage {
  connection: Connection
  /** Answers what plays a scene of a provider against its vendor's server. */
  set(listed: Listed, fixture: ProviderFixture, server: VendorServer): Promise<(scene: Scene) => Promise<Played>>
  close(): void
}

/** A ledger in memory, a clock that moves only when somebody waits, and the vendor's server at the other end. */
export async function openStage(): Promise<Stage> {
  const w = await world({ as_of: AS_OF, live: ['spend'] })
  const log = await w.world.session.connect()
  await log.run(`set search_path = '_ledger.log'`)
  const transaction = <T>(work: () => Promise<T>) => w.world.recorder.write(work, log)
  const made = new Map<string, StepContext>()
  return {
    connection: w.connection,
    async set(listed, fixture, server) {
      const tables = Object.keys(listed.provider.resources).map((name) => tableOf(listed, name))
      const raw = tables.map(({ source, table }) => `_ledger.raw.${source}__${table}`)
      const context = made.get(listed.name) ?? (await w.context(stepOf(tables)))
      made.set(listed.name, context)
      const all = ['calls', 'answers', 'intents', 'rejects', 'loads'].map((name) => `_ledger.log.${name}`)
      await w.connection.run([...all, ...raw].map((table) => `delete from ${table}`).join(';'))
      let clock = START
      const http = createHttp({
        connection: withTransactions(log, transaction),
        run_id: w.world.run_id,
        as_of: AS_OF,
        now: () => new Date(clock),
        sleep: async (ms) => {
          clock += ms
        },
        random: () => 0.5,
        live: new Set(['spend']),
        budget: { ...RICH, priceOf: () => 0.01 },
        signal: new AbortController().signal,
      })
      const settings = listed.provider.settings.parse(fixture.settings(server.base_url))
      const options = listed.provider.http!(settings)
      const own = http({ ...options, service: listed.name, limits: { ...options.limits, timeout_s: 0.25 } })
      return (scene) => play(scene, { listed, settings, http: own, context, connection: w.connection })
    },
    close() {
      log.close()
      w.close()
    },
  }
}

const stepOf = (records: LedgerTable[]): Step => ({
  ...{ name: 'one', kind: 'resource', stage: 'discovery', file: '', description: '', reads: [], fingerprint: null },
  ...{ records, run: () => Promise.reject() },
})

interface Scenery {
  listed: Listed
  settings: Record<string, unknown>
  http: Http
  context: StepContext
  connection: Connection
}

async function play(scene: Scene, { listed, settings, http, context, connection }: Scenery): Promise<Played> {
  const resource = listed.provider.resources[scene.resource]!
  const fields = scene.fields ?? (Object.keys(resource.fills ?? {}) as Field[])
  const batches = scene.subjects === undefined ? [[]] : batchesOf(scene.subjects, resource, settings)
  const errors: unknown[] = []
  const intakes = batches.map(() => new Intake(listed.name, scene.resource, resource))
  const landed: object[] = []
  const queue = batches.entries()
  const worker = async () => {
    for (const [nth, subjects] of queue) {
      const intake = intakes[nth]!
      if (scene.subjects !== undefined) intake.subjects = new Set(subjects.map(({ subject_id }) => subject_id))
      const pages = resource.pages!({ settings, icp, http, as_of: AS_OF, subjects, fields })
      try {
        for await (const page of pages) {
          const { rows, rejects } = intake.take(page)
          landed.push(...rows)
          await context.reject(rejects)
        }
      } catch (error) {
        errors[nth] = error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, batches.length) }, worker))
  if (landed.length > 0) await context.record(tableOf(listed, scene.resource), [landed])
  const rows = await connection.rows(
    `select * exclude (_fetched_at, _run_id, _load) from raw.${listed.name}__${scene.resource} order by ${resource.key.join(', ')}`,
  )
  const rejected = await connection.rows<{ reason: string }>('select distinct reason from _ledger.log.rejects')
  const notes = [...new Set(intakes.flatMap((intake) => intake.notes()))]
  return { rows, errors: errors.filter(Boolean), notes: [...notes, ...rejected.map(({ reason }) => reason)] }
}

/** What a provider may fail with. Anything else is a bug of its own. */
export function isProper(error: unknown): boolean {
  return error instanceof RemoteError || error instanceof NotAsked
}
