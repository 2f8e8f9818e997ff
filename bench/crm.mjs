// Bars of a CRM sync, judged by the vendor's own journal: processes killed (-9) under faulty answers while the vendor, too, dies
// now and then; nothing to do; what changed; throughput and memory with the limiter off.
//   node bench/crm.mjs [hubspot|salesforce] [--companies 3334] [--kills 200] [--seeds 1] [--seed 1] [--restart 10] [--big 33334]
import { join } from 'node:path'
import { loadBars } from './crm-parts.mjs'

const root = join(import.meta.dirname, '..')
const flag = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? fallback : Number(process.argv[at + 1])
}
const only = process.argv.slice(2).filter((word) => /^[a-z]/.test(word))
const [companies, kills, first, seeds] = [
  flag('companies', 3334),
  flag('kills', 200),
  flag('seed', 1),
  flag('seeds', 1),
]
const [restart_each, big] = [flag('restart', 10), flag('big', 33_334)]
const { openBench, torment, judge, ownApplies, bundleWorker, VENDORS } = await loadBars(root)
const worker = await bundleWorker(root)

for (const name of only.length > 0 ? only : Object.keys(VENDORS)) {
  for (let seed = first; kills > 0 && seed < first + seeds; seed++) {
    console.log(`\n${name}: ${companies * 3} rows, ${kills} kills, seed ${seed}`)
    const bench = await openBench(name, worker)
    const started = performance.now()
    const { last, ...done } = await torment(bench, {
      companies,
      kills,
      seed,
      share: 0.3,
      within: 30 + companies * 6,
      restart_each,
    })
    const { journal } = bench.vendor
    const { changed } = done
    const faulty = +(done.faults / done.requests).toFixed(2)
    const seconds = Math.round((performance.now() - started) / 1000)
    console.log('  tormented ', JSON.stringify({ ...done, faulty, seconds }))
    const said = last.killed ? 'killed' : last.code === 0 ? 'done' : last.text.slice(0, 1000)
    console.log('  verdict   ', JSON.stringify(judge(bench.vendor, { companies, changed })), said)
    const before = ownApplies(journal()).length
    await bench.run({ companies, changed })
    console.log(`  no-op      ${ownApplies(journal()).length - before} writes`)
    const calls = journal().requests().length
    await bench.run({ companies, changed: changed + 137 })
    const upserts = journal()
      .requests()
      .slice(calls)
      .filter(({ method, path }) => /upsert|composite\/sobjects$/.test(path) && method !== 'GET')
    console.log(`  137 changed ${ownApplies(journal()).length - before} writes in ${upserts.length} upsert calls`)
    await bench.close()
  }
  if (big > 0) {
    const bench = await openBench(name, worker)
    const said = await bench.run({ companies: big })
    if (said.code !== 0) console.log(said.text.slice(0, 2000))
    const { seconds, rss, cpu, create, linked } = said.counts
    console.log(
      `${name}: ${create} records and ${linked} links in ${seconds.sync.toFixed(1)} s: ${Math.round(create / seconds.sync)} rows/s (CPU ${((cpu.user + cpu.system) / 1e6).toFixed(1)} s), ${Math.round(rss / 1e6)} MB`,
    )
    console.log('  verdict   ', JSON.stringify(judge(bench.vendor, { companies: big })))
    await bench.close()
  }
}
