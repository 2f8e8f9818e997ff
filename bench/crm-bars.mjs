// Bars of a CRM sync that time and chance decide, through its core and in a time that waits move on, for each seed: rows that
// are refused, batches refused whole, limits and used-up days, records that were there before, other accounts, locked rows, a
// death with each request there is, a vendor that dies. Judged by the vendor's own journal.
//   node bench/crm-bars.mjs [hubspot|salesforce] [bar …] [--rows 2000] [--seeds 10] [--seed 1] [--points 40]
import { join } from 'node:path'
import { loadBars } from './crm-parts.mjs'

const flag = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? fallback : Number(process.argv[at + 1])
}
const words = process.argv.slice(2).filter((word) => /^[a-z]/i.test(word))
const { VENDORS, ...bars } = await loadBars(join(import.meta.dirname, '..'))
const [rows, seeds, first, most] = [flag('rows', 2_000), flag('seeds', 10), flag('seed', 1), flag('points', 40)]
const sized = { companies: rows }
const all = {
  partialFailure: (name, seed) => bars.partialFailure(name, { ...sized, seed }),
  wholeBatch: (name, seed) => bars.wholeBatch(name, { seed }),
  limits: (name, seed) => seed === first && bars.limits(name, { ...sized, seed }),
  conflicts: (name, seed) => bars.conflicts(name, { companies: Math.min(rows, 1_000), seed }),
  otherAccount: (name, seed) => seed === first && bars.otherAccount(name),
  locked: (name, seed) => name === 'salesforce' && bars.locked({ ...sized, seed }),
  everyRequest: (name, seed) => bars.everyRequest(name, { companies: 30, most, seed }),
  everyRequestBulk: (name, seed) =>
    name === 'salesforce' && bars.everyRequest(name, { companies: 30, most, seed, bulk: true }),
  dyingVendor: (name, seed) => bars.dyingVendor(name, { companies: Math.min(rows, 500), seed, times: 20 }),
}
const asked = words.filter((word) => word in all)
for (const name of words.some((word) => word in VENDORS)
  ? words.filter((word) => word in VENDORS)
  : Object.keys(VENDORS)) {
  for (const [bar, run] of Object.entries(all)) {
    if (asked.length > 0 && !asked.includes(bar)) continue
    for (let seed = first; seed < first + seeds; seed++) {
      const started = performance.now()
      const told = await run(name, seed)
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      if (told) console.log(`${name} ${bar} seed ${seed} (${seconds} s): ${JSON.stringify(told)}`)
    }
  }
}
