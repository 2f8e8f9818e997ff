// Bars of a CRM sync, judged by the vendor's own journal: killed under faulty answers, nothing to do, what changed, throughput.
//   node bench/crm.mjs [hubspot|salesforce] [--companies 3334] [--kills 200] [--seed 1] [--big 33334]
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
const flag = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? fallback : Number(process.argv[at + 1])
}
const only = process.argv.slice(2).filter((word) => /^[a-z]/.test(word))
const [companies, kills, seed, big] = [
  flag('companies', 3334),
  flag('kills', 200),
  flag('seed', 1),
  flag('big', 33_334),
]

const outfile = join(root, 'target', 'crm-bars', 'drive.mjs')
await build({
  absWorkingDir: root,
  stdin: {
    contents:
      "export * from './test/helpers/crm-bars/drive.ts'; export { bundleWorker } from './test/helpers/crm-bars/bundle.ts'",
    resolveDir: root,
    loader: 'ts',
  },
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  logLevel: 'error',
})
const { openBench, torment, judge, bundleWorker, VENDORS } = await import(outfile)
const worker = await bundleWorker(root)

for (const name of only.length > 0 ? only : Object.keys(VENDORS)) {
  console.log(`\n${name}: ${companies * 3} rows, ${kills} kills, seed ${seed}`)
  if (kills > 0) {
    const bench = await openBench(name, worker)
    const started = performance.now()
    const { last, ...done } = await torment(bench, { companies, kills, seed, share: 0.3, window_ms: [600, 2600] })
    const { journal } = bench.vendor
    const applies = () => journal.applies().filter(({ by, object }) => by === 'api' && !object.startsWith('#')).length
    console.log(
      '  tormented ',
      JSON.stringify({
        ...done,
        faulty: +(done.faults / done.requests).toFixed(2),
        seconds: Math.round((performance.now() - started) / 1000),
      }),
    )
    console.log(
      '  verdict   ',
      JSON.stringify(judge(bench.vendor, companies)),
      last.killed ? 'killed' : JSON.stringify(last.counts.failures),
    )
    const before = applies()
    await bench.run({ companies })
    console.log(`  no-op      ${applies() - before} writes`)
    const calls = journal.requests().length
    await bench.run({ companies, changed: 137 })
    const upserts = journal
      .requests()
      .slice(calls)
      .filter(({ method, path }) => /upsert|composite\/sobjects\/Account/.test(path) && method !== 'GET')
    console.log(`  137 changed ${applies() - before} writes in ${upserts.length} upsert calls`)
    await bench.close()
  }
  if (big > 0) {
    const bench = await openBench(name, worker)
    const said = await bench.run({ companies: big })
    const { seconds, rss, cpu, create, linked } = said.counts
    console.log(
      `  ${create} records and ${linked} links in ${seconds.sync.toFixed(1)} s: ${Math.round(create / seconds.sync)} rows/s (CPU ${((cpu.user + cpu.system) / 1e6).toFixed(1)} s), ${Math.round(rss / 1e6)} MB`,
    )
    if (said.code !== 0) console.log(said.text.slice(0, 2000))
    console.log('  verdict   ', JSON.stringify(judge(bench.vendor, big)))
    await bench.close()
  }
}
