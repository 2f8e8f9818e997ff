// Bundles Salesforce's stand-in and a session with it, for the benchmarks.
import { mkdtempSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** The bundle's file, in a folder that is to be removed at the end. */
export async function bundle() {
  const folder = mkdtempSync(join(root, 'node_modules', '.bench-salesforce-'))
  const outfile = join(folder, 'salesforce.mjs')
  await build({
    absWorkingDir: root,
    stdin: {
      contents: `export { salesforceOrg } from './test/fakes/salesforce/org.ts'
        export { drawFaults } from './test/fakes/faults.ts'; export { openJournal } from './test/fakes/journal.ts'
        export { httpWorld } from './test/helpers/http-world.ts'; export { createHttp } from './pipeline/http.ts'
        export { default as salesforce } from './sync/crms/salesforce.ts'`,
      resolveDir: root,
    },
    ...{ outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20', packages: 'external' },
  })
  return { outfile, folder }
}

/** A session over the shared HTTP layer; pauses are as long as they are, or `most_ms` at most. */
export async function sessionWith(outfile, url, own = {}, most_ms = Number.POSITIVE_INFINITY) {
  const { httpWorld, createHttp, salesforce } = await import(pathToFileURL(outfile).href)
  const world = await httpWorld()
  const signal = new AbortController().signal
  const http = createHttp({
    ...{ connection: world.connection, run_id: 'run_1', as_of: new Date().toISOString().slice(0, 10), signal },
    ...{ now: () => new Date(), random: Math.random, live: new Set(['sync']) },
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, most_ms))),
    budget: { priceOf: () => undefined, reserve: () => ({ settle() {} }) },
  })
  const credentials = { client_id: 'consumer_key', client_secret: 'consumer_secret', org_id: '00D5f000000TEST' }
  const settings = salesforce.settings.parse({ login_url: url, ...credentials, api_share: 1, ...own })
  const context = { settings, root: '.', as_of: '2026-11-22', now: () => new Date(), signal }
  return salesforce.connect({ ...context, http: (options) => http({ ...options, service: 'salesforce' }) })
}
