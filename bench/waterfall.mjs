// What the decisions of the waterfall save, on a simulated market whose truth is known: 5 providers, 3 segments, hit
// rates that drift. The decisions are the product's own (ingest/waterfall), fed with the simulation's answers.
// node bench/waterfall.mjs [leads] [seed]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = mkdtempSync(join(tmpdir(), 'lead-engine-bench-'))
const outfile = join(folder, 'waterfall.mjs')
await build({
  stdin: {
    contents:
      ['odds', 'order', 'decide'].map((name) => `export * from './ingest/waterfall/${name}.ts'`).join('\n') +
      `\nexport { diceOf } from './ingest/sample.ts'`,
    resolveDir: root,
  },
  ...{ bundle: true, format: 'esm', platform: 'node', outfile, logLevel: 'error' },
})
const { Experience, orderOf, chooseRound, diceOf } = await import(pathToFileURL(outfile).href)
rmSync(folder, { recursive: true })

const LEADS = Number(process.argv[2] ?? 4000)
const SEED = process.argv[3] ?? '1'
const WARM_UP = 2000
const PER_DAY = 40

const SEGMENTS = ['BR', 'US', 'DE']
/** Points that a field is worth where it holds, and how often it does. Tiers: A from 60, B from 40. */
const FIELDS = {
  email: { points: 10, holds: 0.7 },
  headcount: { points: 15, holds: 0.5 },
  revenue: { points: 10, holds: 0.4 },
  tech_stack: { points: 20, holds: 0.35 },
  signals: { points: 30, holds: 0.3 },
}
const TIERS = [
  ['A', 60],
  ['B', 40],
  ['C', 0],
]
/** Dearer is not always better: what is cheap misses much, and each is good somewhere else. */
const PROVIDERS = {
  alder: { call: 0.2, hit: 0, miss: 0, base: { BR: 0.12, US: 0.3, DE: 0.1 } },
  birch: { call: 0.5, hit: 0, miss: 0, base: { BR: 0.15, US: 0.7, DE: 0.2 } },
  cedar: { call: 0, hit: 1, miss: 0.2, base: { BR: 0.75, US: 0.45, DE: 0.25 } },
  elm: { call: 1.2, hit: 0, miss: 0, base: { BR: 0.3, US: 0.75, DE: 0.85 } },
  fir: { call: 2, hit: 0, miss: 0, base: { BR: 0.85, US: 0.85, DE: 0.85 } },
}
const names = Object.keys(PROVIDERS)
const fields = Object.keys(FIELDS)

/** How often a provider knows a field in a segment on a day: it drifts by up to a quarter in two months. */
function rateOf(provider, field, segment, day) {
  const dice = diceOf(`${SEED} ${provider} ${field} ${segment}`)
  const [phase, taste] = [dice.next(), 0.85 + 0.3 * dice.next()]
  const drift = 0.15 * Math.sin(2 * Math.PI * (day / 60 + phase))
  return Math.min(0.97, Math.max(0.02, PROVIDERS[provider].base[segment] * taste + drift))
}

function leadOf(index) {
  const dice = diceOf(`${SEED} lead ${index}`)
  const segment = dice.pick(SEGMENTS)
  const base = dice.int(0, 50)
  const truth = Object.fromEntries(fields.map((field) => [field, dice.next() < FIELDS[field].holds]))
  return { id: `lead_${index}`, index, day: Math.floor(index / PER_DAY), segment, base, truth }
}

/** The same answer to the same question, whoever asks and whenever. */
function answerOf(lead, provider, field) {
  const dice = diceOf(`${SEED} ${lead.id} ${provider} ${field}`)
  const hit = dice.next() < rateOf(provider, field, lead.segment, lead.day)
  const { call, hit: onHit, miss } = PROVIDERS[provider]
  return { hit, cost: call + (hit ? onHit : miss) }
}

const tierOf = (score) => TIERS.find(([, from]) => score >= from)[0]

/** What int_leads_score_bounds says of a lead. */
function boundsOf(lead, known) {
  let low = lead.base
  let high = lead.base
  for (const field of fields) {
    const { points } = FIELDS[field]
    if (known[field] === undefined) high += points
    else if (known[field]) [low, high] = [low + points, high + points]
  }
  const open = tierOf(low) !== tierOf(high)
  const columns = new Map()
  for (const field of fields) {
    const { points } = FIELDS[field]
    if (known[field] === undefined) columns.set(field, { swing: points, alone: tierOf(low) !== tierOf(low + points) })
  }
  return { lead_id: lead.id, subjects: [lead.id], is_open: open, tier: tierOf(low), width: high - low, columns }
}

/** One policy over the whole market, day by day; what it learns on a day it knows on the next. */
function simulate({ order, aware, explore = 0, clairvoyant = false }) {
  const counts = []
  const total = { credits: 0, correct: 0, leads: 0, calls: 0 }
  for (let day = 0; day * PER_DAY < LEADS; day++) {
    const experience = new Experience(counts.map((one) => ({ ...one, age_days: day - one.day })))
    const today = new Map()
    const leads = Array.from({ length: PER_DAY }, (_, at) => leadOf(day * PER_DAY + at))
    for (const lead of leads) {
      const known = {}
      const left = new Map(fields.map((field) => [field, placesOf(lead, field, experience)]))
      let credits = 0
      for (;;) {
        const dice = diceOf(`${SEED} explore ${lead.id}`)
        const lots = explore > 0 && dice.next() < explore ? () => dice.next() : undefined
        const candidates = [...left].flatMap(([field, places]) => {
          const [place] = orderOf(places, order, lots)
          return place === undefined ? [] : [{ subject_id: lead.id, field, facts: [[field]], ...place }]
        })
        const chosen = aware
          ? chooseRound([boundsOf(lead, known)], candidates).map(({ candidate }) => candidate)
          : candidates
        if (chosen.length === 0) break
        for (const { field, source } of chosen) {
          const { hit, cost } = answerOf(lead, source, field)
          credits += cost
          total.calls++
          left.set(field, hit ? [] : left.get(field).filter((place) => place.source !== source))
          if (hit) known[field] = lead.truth[field]
          const key = `${source} ${field} ${lead.segment}`
          const one = today.get(key) ?? {
            provider: source,
            field,
            segment: lead.segment,
            day,
            asked: 0,
            hits: 0,
            valid: 0,
            cost: 0,
            seconds: 0,
          }
          one.asked++
          one.cost += cost
          if (hit) [one.hits, one.valid] = [one.hits + 1, one.valid + 1]
          today.set(key, one)
        }
      }
      if (lead.index < WARM_UP) continue
      const score = (values) =>
        lead.base + fields.reduce((sum, field) => sum + (values[field] ? FIELDS[field].points : 0), 0)
      total.leads++
      total.credits += credits
      if (tierOf(score(known)) === tierOf(score(lead.truth))) total.correct++
    }
    counts.push(...today.values())
  }
  return total

  /** Fixed is by price: the cheapest first. The clairvoyant knows today's true rates, and no single answer. */
  function placesOf(lead, field, experience) {
    const places = names.map((source) => {
      const rate = rateOf(source, field, lead.segment, lead.day)
      const { call, hit, miss } = PROVIDERS[source]
      const price = { call, hit, miss }
      const sure = {
        alpha: rate * 1e6,
        beta: (1 - rate) * 1e6,
        hit: rate,
        seconds: 0,
        cost: call + rate * hit + (1 - rate) * miss,
      }
      return { source, odds: clairvoyant ? sure : experience.odds(source, field, lead.segment, price) }
    })
    return order === 'fixed' ? places.sort((a, b) => listPrice(a.source) - listPrice(b.source)) : places
  }
}

function listPrice(name) {
  const { call, hit, miss } = PROVIDERS[name]
  return call + Math.max(hit, miss)
}

const policies = {
  'fixed by price, all fields': { order: 'fixed', aware: false },
  'learned, all fields': { order: 'learned', aware: false },
  'learned with exploration, all fields': { order: 'learned', aware: false, explore: 0.1 },
  'clairvoyant, all fields': { order: 'learned', aware: false, clairvoyant: true },
  'fixed by price, decision-aware': { order: 'fixed', aware: true },
  'learned, decision-aware': { order: 'learned', aware: true },
  'learned with exploration, decision-aware': { order: 'learned', aware: true, explore: 0.1 },
  'clairvoyant, decision-aware': { order: 'learned', aware: true, clairvoyant: true },
}
const per = {}
console.log(`${LEADS} leads, seed ${SEED}; counted after the first ${WARM_UP}\n`)
for (const [name, policy] of Object.entries(policies)) {
  const { credits, correct, leads, calls } = simulate(policy)
  per[name] = credits / correct
  console.log(
    `${name.padEnd(42)} ${per[name].toFixed(3).padStart(7)} credits a correctly tiered lead   ${((100 * correct) / leads).toFixed(1)} % right, ${(credits / leads).toFixed(2)} credits a lead, ${calls} calls in all`,
  )
}
const ratio = (a, b) => (per[a] / per[b]).toFixed(3)
console.log(
  `\ndecision-aware / fixed                       ${ratio('learned, decision-aware', 'fixed by price, all fields')}  (at most 0.6)`,
)
console.log(
  `learned with exploration / clairvoyant       ${ratio('learned with exploration, decision-aware', 'clairvoyant, decision-aware')}  decision-aware (at most 1.25, goal 1.15)`,
)
console.log(
  `                                             ${ratio('learned with exploration, all fields', 'clairvoyant, all fields')}  all fields`,
)
