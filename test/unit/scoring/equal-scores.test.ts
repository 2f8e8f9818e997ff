import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseYaml } from '../../../pipeline/yaml.ts'
import { compileScores } from '../../../scoring/compile.ts'
import { loadScoring } from '../../../scoring/load.ts'
import { factsDatabase, LEAD_FACTS, putFacts } from './lead-facts.ts'

const root = join(import.meta.dirname, '../../..')
const DAY = fc.integer({ min: 0, max: 800 }).map((days) => {
  const day = new Date(Date.UTC(2026, 0, 31) - days * 86_400_000)
  return day.toISOString().slice(0, 10)
})

/** A value of a column's type, or nothing. */
function drawnOf(type: string): fc.Arbitrary<unknown> {
  const word = fc.constantFrom('saas', 'software', 'founder', 'valid', 'series_a', 'BR', 'US', 'hiring', 'x')
  if (type === 'INTEGER') return fc.integer({ min: 0, max: 3000 })
  if (type === 'DOUBLE') return fc.integer({ min: 0, max: 9_000_000 })
  if (type === 'BOOLEAN') return fc.boolean()
  if (type === 'DATE') return DAY
  if (type === 'TIMESTAMP') return DAY.map((day) => `${day}T00:00:00Z`)
  return type.endsWith('[]') ? fc.array(word, { maxLength: 3 }) : word
}

const lead = fc.record(
  Object.fromEntries(
    Object.entries(LEAD_FACTS).map(([column, type]) => [column, fc.option(drawnOf(type), { nil: null, freq: 3 })]),
  ),
)

it('two runs over the same facts give equal scores and reasons, in whatever order the leads lie', async () => {
  const config = parseYaml('pipeline.yaml', 'scoring: {}', [])!
  const settings = { scores: ['fit', 'fit_us', 'intent'], brief: null }
  const scoring = (await loadScoring(root, settings, config, []))!
  const select = compileScores(scoring, 'intermediate.int_lead_facts', LEAD_FACTS)
  const worlds = [await factsDatabase(), await factsDatabase()]
  await fc.assert(
    fc.asyncProperty(fc.array(lead, { minLength: 1, maxLength: 25 }), fc.nat(), async (drawn, turn) => {
      const leads = drawn.map((one, index) => ({ ...one, lead_id: `led_${index}` }))
      const at = turn % leads.length
      const orders = [leads, [...leads.slice(at), ...leads.slice(0, at)].reverse()]
      const runs = []
      for (const [index, world] of worlds.entries()) {
        await putFacts(world, orders[index]!)
        runs.push(await world.rows(`select * from (${select}) order by lead_id`))
      }
      expect(runs[0]).toHaveLength(leads.length)
      expect(runs[1]).toEqual(runs[0])
    }),
    { numRuns: 4 },
  )
  for (const world of worlds) world.close()
})
