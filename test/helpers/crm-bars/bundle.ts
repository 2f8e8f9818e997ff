import { join } from 'node:path'
import { build } from 'esbuild'

/** The worker as one file below `target/`, which is where its repository is found from. Answers its path. */
export async function bundleWorker(root: string): Promise<string> {
  const outfile = join(root, 'target', 'crm-bars', 'worker.mjs')
  await build({
    absWorkingDir: root,
    entryPoints: ['test/helpers/crm-bars/worker.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['@duckdb/node-bindings*', 'esbuild'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'error',
  })
  return outfile
}
