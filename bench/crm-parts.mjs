// Bundles what judges a CRM sync, for the benchmarks.
import { join } from 'node:path'
import { build } from 'esbuild'

const EXPORTS = `
  export * from './test/helpers/crm-bars/drive.ts'; export * from './test/helpers/crm-bars/judge.ts'
  export * from './test/helpers/crm-bars/bars.ts'; export { VENDORS } from './test/helpers/crm-bars/vendors.ts'
  export { bundleWorker } from './test/helpers/crm-bars/bundle.ts'`

export async function loadBars(root) {
  const outfile = join(root, 'target', 'crm-bars', 'bars.mjs')
  await build({
    absWorkingDir: root,
    stdin: { contents: EXPORTS, resolveDir: root, loader: 'ts' },
    ...{ outfile, bundle: true, format: 'esm', platform: 'node', packages: 'external', logLevel: 'error' },
  })
  return import(outfile)
}
