import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHttp } from '../../pipeline/http.ts'
import type { Crm } from '../../sync/define.ts'
import type { CrmRecord, CrmRow, CrmSession, Fields, Link } from '../../sync/records.ts'
import { httpWorld } from './http-world.ts'

/**
 * A CRM that stands ready for tests: `test/fixtures/crms/<name>.ts` exports `open`, which starts its stand-in (the vendor's
 * server played on this machine; a folder) with nothing in it but what a new account has.
 */
export interface CrmStandIn {
  /** As `pipeline.yaml` would have them, `base_url` of the stand-in and the right account included. */
  settings(root: string): Record<string, unknown>
  /** The same with credentials that are not accepted; null where there are none. */
  wrong_key: ((root: string) => Record<string, unknown>) | null
  /** The same with credentials of another account; null where there are no accounts. */
  wrong_account: ((root: string) => Record<string, unknown>) | null
  /** Objects to run the suite on, each with what a record of it needs. Parents before children. */
  objects: Readonly<Record<string, ObjectScene>>
  /** Who may own records there; empty where it knows none. */
  owners: readonly string[]
  /** What happens behind our back. */
  people: {
    /** Makes a record without our id; answers its id. */
    make(root: string, object: string, fields: Fields): Promise<string>
    edit(root: string, object: string, crm_id: string, fields: Fields): Promise<void>
    remove(root: string, object: string, crm_id: string): Promise<void>
    /** Null where records cannot be merged. */
    merge: ((root: string, object: string, loser: string, winner: string) => Promise<void>) | null
  }
  /** From the stand-in's own journal: requests that write, so far; null where nobody keeps one. */
  writes(): number | null
  /** Everything of the stand-in's that is found a moment later only (search) is found from now on. */
  settle(): Promise<void>
  close(): Promise<void>
}

export interface ObjectScene {
  /** Fields of the n-th record, each a property that the CRM takes; equal for equal n, different for different n. */
  fields(n: number): Fields
  /** A text property among them, that anybody may change, and one that is not among them. */
  text: string
  other: string
  /** Fields that the CRM takes for no record of the object, and the property that it then names; null where it takes all. */
  refused: { fields: Fields; property: string } | null
  /** Parents, by object, that a record of it hangs on: made by the suite before. */
  parents: readonly string[]
  /** False: the CRM merges others, but none of these. */
  merges?: false
}

export interface OpenCrm {
  root: string
  session: CrmSession
  /** As a new run would see it. */
  again(settings?: Record<string, unknown>): CrmSession
  pull(object: string, since?: string | null): Promise<CrmRecord[]>
  row(object: string, n: number, change?: Partial<CrmRow>): CrmRow
  close(): Promise<void>
}

/** A session with a stand-in over the real HTTP layer, whose waits take no time. */
export async function openCrm(name: string, crm: Crm, standIn: CrmStandIn): Promise<OpenCrm> {
  const root = mkdtempSync(join(tmpdir(), 'crm-'))
  const world = await httpWorld()
  const as_of = '2026-11-22'
  const now = () => new Date()
  let runs = 0
  const open = (settings = standIn.settings(root)): CrmSession => {
    const http = createHttp({
      connection: world.connection,
      run_id: `run_${++runs}`,
      as_of,
      now,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20))),
      random: () => 0.5,
      live: new Set(['sync']),
      budget: { priceOf: () => undefined, reserve: () => ({ settle() {} }) },
      signal: new AbortController().signal,
    })
    return crm.connect({
      settings: crm.settings.parse(settings),
      root,
      http: (options) => http({ ...options, service: name }),
      as_of,
      now,
      signal: new AbortController().signal,
    })
  }
  const session = open()
  return {
    root,
    session,
    again: open,
    async pull(object, since = null) {
      const records: CrmRecord[] = []
      for await (const batch of session.pull(object, since)) records.push(...batch)
      return records
    },
    row: (object, n, change = {}) => ({
      record_id: `${object}_${n}`,
      crm_id: null,
      fields: standIn.objects[object]!.fields(n),
      links: [] as Link[],
      ...change,
    }),
    async close() {
      world.connection.close()
      world.database.close()
      await standIn.close()
      rmSync(root, { recursive: true, force: true })
    },
  }
}
