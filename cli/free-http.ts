import { join } from 'node:path'
import { NO_BUDGET } from '../pipeline/budget.ts'
import { filePaces } from '../pipeline/http/pace-store.ts'
import { createHttp, type HttpFactory } from '../pipeline/http.ts'
import type { Project } from '../pipeline/load.ts'
import type { Effects } from '../pipeline/run.ts'
import { placesOf } from '../pipeline/warehouse/home.ts'
import { createLedger } from '../pipeline/warehouse/ledger.ts'
import { openSession } from '../pipeline/warehouse/session.ts'

/** HTTP that never pays, over a ledger in memory: what is asked while `work` runs is kept nowhere. */
export async function withFreeHttp<T>(
  project: Project,
  run_id: string,
  effects: Effects,
  work: (http: HttpFactory) => Promise<T>,
): Promise<T> {
  const { now, sleep, random, signal } = effects
  const as_of = now().toISOString().slice(0, 10)
  const session = await openSession({ as_of })
  try {
    await createLedger(session.connection, now())
    const connection = await session.connect()
    await connection.run(`set search_path = '_ledger.log'`)
    const asking = { as_of, now, sleep, random, signal, secrets: project.config.secrets }
    const { data } = placesOf(project.root, project.config.target)
    const clock = { now, sleep: (ms: number) => sleep(ms, signal) }
    const pace = (service: string) => filePaces(join(data, '.pace', `${service}.json`), clock)
    return await work(createHttp({ ...asking, connection, run_id, pace, live: new Set(), budget: NO_BUDGET }))
  } finally {
    session.close()
  }
}
