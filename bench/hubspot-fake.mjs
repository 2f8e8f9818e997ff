// Bundles HubSpot's stand-in and a session with it, for the benchmarks.
import { mkdtempSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** The module, and the folder that is to be removed at the end. */
export async function loadFake() {
  const folder = mkdtempSync(join(root, 'node_modules', '.bench-hubspot-'))
  const outfile = join(folder, 'hubspot.mjs')
  await build({
    absWorkingDir: root,
    stdin: {
      contents: `export { fakeHubspot, TOKEN } from './test/fakes/hubspot/hubspot.ts'
        export { setUp } from './test/fixtures/crms/hubspot.ts'; export { httpWorld } from './test/helpers/http-world.ts'
        export { createHttp } from './pipeline/http.ts'; export { default as hubspot } from './sync/crms/hubspot.ts'`,
      resolveDir: root,
    },
    ...{ outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20', packages: 'external' },
  })
  return { module: await import(pathToFileURL(outfile).href), folder }
}
