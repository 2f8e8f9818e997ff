import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Fields } from '../../../sync/records.ts'
import { MemoryCrm } from '../../helpers/memory-crm.ts'
import { MAPPINGS, syncScene } from '../../helpers/sync-scene.ts'

// Random histories of what we learn, what people type, delete and merge, and of syncs that break off. The judge is the CRM's
// own journal: it says who wrote what when.

const FIELDS = ['name', 'city', 'size'] as const
const ALWAYS = new Set(['size'])
const value = fc.constantFrom('a', 'b', 'c', null)
const number = fc.constantFrom(1, 2, 3, null)

const ours = fc.record({
  kind: fc.constant('ours' as const),
  n: fc.integer({ min: 1, max: 3 }),
  name: value,
  city: value,
  size: number,
})
const typed = fc.record({
  kind: fc.constant('typed' as const),
  n: fc.integer({ min: 0, max: 2 }),
  field: fc.constantFrom(...FIELDS),
  text: fc.constantFrom('x', 'y', 'a'),
})
const gone = fc.record({ kind: fc.constant('gone' as const), n: fc.integer({ min: 0, max: 2 }) })
const run = fc.record({
  kind: fc.constant('run' as const),
  fault: fc.constantFrom(undefined, undefined, 'before' as const, 'after' as const),
  pulls: fc.boolean(),
})
const history = fc.array(
  fc.oneof({ weight: 3, arbitrary: ours }, { weight: 4, arbitrary: typed }, gone, { weight: 4, arbitrary: run }),
  {
    maxLength: 14,
  },
)

const RUN = { kind: 'run' as const, fault: undefined, pulls: true }
const OURS = { kind: 'ours' as const, n: 1, name: 'a', city: 'a', size: 1 }
/** What every change of the rules must come through, whatever is drawn. */
const ALWAYS_PLAYED = [
  [OURS, RUN, { kind: 'typed' as const, n: 0, field: 'name' as const, text: 'x' }, { ...OURS, name: 'b' }, RUN],
  [
    OURS,
    RUN,
    { kind: 'typed' as const, n: 0, field: 'name' as const, text: 'x' },
    { ...OURS, name: 'b' },
    { ...RUN, pulls: false },
  ],
]

test('no field that a person changed since our last write is overwritten, unless always and planned', async () => {
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      const crm = new MemoryCrm()
      const scene = await syncScene({ memory: crm }, { companies: MAPPINGS.companies! })
      const rows = new Map<number, Fields>()
      /** crm_id → field → the value that a person typed last, as long as nobody of us wrote it since. */
      const persons = new Map<string, Map<string, unknown>>()
      let read = 0
      /** Everything in the journal since is held against what people had typed by then. */
      const judge = (planned: ReadonlySet<string> | undefined) => {
        for (const { object, act, crm_id, record_id, fields } of crm.journal.slice(read)) {
          expect(object).toBe('companies')
          for (const [field, to] of Object.entries(fields)) {
            expect(to, `${field} of ${crm_id}`).not.toBeNull()
            const theirs = act === 'update' ? persons.get(crm_id)?.get(field) : undefined
            if (theirs !== undefined && theirs !== to) {
              expect(ALWAYS.has(field), `${field} of ${crm_id}: ${String(theirs)} became ${String(to)}`).toBe(true)
              if (planned !== undefined) expect(planned).toContain(`${record_id} ${field}`)
            }
            persons.get(crm_id)?.delete(field)
          }
        }
        read = crm.journal.length
      }
      try {
        for (const step of [...steps, { kind: 'run' as const, fault: undefined, pulls: true }]) {
          const alive = crm.of('companies')
          if (step.kind === 'ours') {
            const { n, name, city, size } = step
            rows.set(n, { company_id: `cmp_${n}`, name, city, size, domain: `c${n}.example` })
            await scene.set('dim_companies', [...rows.values()] as Record<string, string>[])
          } else if (step.kind === 'typed' && alive.length > 0) {
            const { crm_id } = alive[step.n % alive.length]!
            const text = step.field === 'size' ? step.text.charCodeAt(0) : step.text
            crm.edit('companies', crm_id, { [step.field]: text })
            persons.set(crm_id, (persons.get(crm_id) ?? new Map()).set(step.field, text))
          } else if (step.kind === 'gone' && alive.length > 1)
            crm.remove('companies', alive[step.n % alive.length]!.crm_id)
          else if (step.kind === 'run') {
            crm.fault = (call) => (call === 'upsert' ? step.fault : undefined)
            await scene.run({ pulls: step.pulls })
            const planned = scene
              .plan()
              .changes.flatMap(({ record_id, fields }) =>
                Object.keys(fields as object).map((field) => `${String(record_id)} ${field}`),
              )
            judge(step.pulls ? new Set(planned) : undefined)
          }
        }
        const keys = crm.of('companies').flatMap(({ record_id }) => (record_id === null ? [] : [record_id]))
        expect(new Set(keys).size).toBe(keys.length)
      } finally {
        scene.close()
      }
    }),
    { examples: ALWAYS_PLAYED.map((each) => [each]) as never, numRuns: Number(process.env.HISTORIES ?? 12) },
  )
}, 120_000)
