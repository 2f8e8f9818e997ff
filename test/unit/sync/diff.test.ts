import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Fields, Json } from '../../../sync/define.ts'
import { diffRecord, type FieldRule, type Intent, type Sides, same, type Write } from '../../../sync/diff.ts'

const rule = (write: Write): FieldRule[] => [{ to: 'f', write }]
const sides = (change: Partial<Sides>): Sides => ({
  ours: {},
  theirs: {},
  written: {},
  intended: null,
  deleted: false,
  ...change,
})
const diff = (write: Write, change: Partial<Sides>) => diffRecord(rule(write), sides(change))

const isEmpty = (value: Json) => value === null || value === '' || same(value, [])

describe('one field', () => {
  test.each<[string, Write, Partial<Sides>, Json, number]>([
    ['fills what is empty', 'if_empty', { ours: { f: 1 }, theirs: { f: '' } }, 1, 0],
    ['fills what is absent', 'if_empty', { ours: { f: 1 } }, 1, 0],
    ['keeps fresh what we wrote', 'if_empty', { ours: { f: 2 }, theirs: { f: 1 }, written: { f: 1 } }, 2, 0],
    ['leaves what was there before us', 'if_empty', { ours: { f: 2 }, theirs: { f: 1 } }, null, 0],
    ['leaves an edit', 'if_empty', { ours: { f: 2 }, theirs: { f: 3 }, written: { f: 1 } }, null, 1],
    ['leaves what somebody cleared', 'if_empty', { ours: { f: 1 }, theirs: { f: null }, written: { f: 1 } }, null, 1],
    [
      'overwrites an edit when told to, and says so',
      'always',
      { ours: { f: 2 }, theirs: { f: 3 }, written: { f: 1 } },
      2,
      1,
    ],
    ['leaves theirs after creation', 'on_create', { ours: { f: 2 }, theirs: {} }, null, 0],
    ['writes nothing', 'never', { ours: { f: 2 }, theirs: {} }, null, 0],
    [
      'does not repeat what is there',
      'always',
      { ours: { f: [1, { a: 1, b: 2 }] }, theirs: { f: [1, { b: 2, a: 1 }] } },
      null,
      0,
    ],
    ['never writes null', 'always', { ours: { f: null }, theirs: { f: 3 }, written: { f: 3 } }, null, 0],
  ])('%s (%s)', (_, write, change, value, conflicts) => {
    const result = diff(write, change)
    expect(result.fields).toEqual(value === null ? {} : { f: value })
    expect(result.operation).toBe(value === null ? 'unchanged' : 'update')
    expect(result.conflicts).toHaveLength(conflicts)
  })

  test('a new record gets everything known but what is never written', () => {
    expect(diff('on_create', { ours: { f: 1 }, theirs: undefined })).toMatchObject({
      operation: 'create',
      fields: { f: 1 },
    })
    expect(diff('never', { ours: { f: 1 }, theirs: undefined })).toMatchObject({ operation: 'create', fields: {} })
    expect(diff('always', { ours: { f: null }, theirs: undefined }).fields).toEqual({})
  })

  test('a record somebody deleted is not made again', () => {
    expect(diff('always', { ours: { f: 1 }, theirs: undefined, deleted: true }).operation).toBe('unchanged')
  })

  test('after a lost answer the same is sent again, what arrived counts as ours, an edit since then is left', () => {
    const lost = { ours: { f: 2 }, written: { f: 1 }, intended: { before: { f: 1 }, fields: { f: 2 } } }
    expect(diff('if_empty', { ...lost, theirs: { f: 2 } })).toMatchObject({
      operation: 'update',
      fields: { f: 2 },
      written: { f: 2 },
    })
    expect(diff('if_empty', { ...lost, theirs: { f: 1 } })).toMatchObject({
      operation: 'update',
      fields: { f: 2 },
      conflicts: [],
    })
    expect(diff('if_empty', { ...lost, theirs: { f: 3 } })).toMatchObject({ fields: {}, conflicts: [{ theirs: 3 }] })
    expect(diff('if_empty', { ...lost, theirs: undefined })).toMatchObject({ operation: 'create', fields: { f: 2 } })
  })
})

describe('over random histories of edits', () => {
  // Nobody types what we write: where they do, values alone cannot tell who it was.
  const ours = fc.constantFrom<Json>(null, 'a', 'b', 1, ['x'])
  const typed = fc.constantFrom<Json>(null, '', [], 'p', 'q', 2, ['y'])
  const write = fc.constantFrom<Write>('always', 'if_empty', 'on_create', 'never')
  const act = fc.oneof(
    fc.record({ who: fc.constant('person' as const), value: typed }),
    fc.record({ who: fc.constant('us' as const), value: ours, lost: fc.constantFrom('no', 'before', 'after') }),
  )

  test('no edit of a person is overwritten unless always, null is never written, and a second sync does nothing', () => {
    fc.assert(
      fc.property(write, fc.array(act, { maxLength: 12 }), (mode, acts) => {
        let theirs: Fields | undefined
        let written: Fields = {}
        let intended: Intent | null = null
        // What the CRM last held by our hand; undefined before we wrote.
        let byUs: Json | undefined
        // A field found empty by a write that was lost, and empty now, may have been empty all along.
        let doubtful = false
        for (const one of acts) {
          if (one.who === 'person') {
            if (theirs === undefined) continue
            theirs = { ...theirs, f: one.value }
            continue
          }
          const before = theirs?.f ?? null
          const result = diffRecord(rule(mode), { ours: { f: one.value }, theirs, written, intended, deleted: false })
          expect(Object.values(result.fields)).not.toContain(null)
          const overwrites = theirs !== undefined && 'f' in result.fields && !same(before, result.fields.f ?? null)
          if (overwrites && mode !== 'always') {
            const mayFill = isEmpty(before) && (byUs === undefined || doubtful)
            expect(mayFill || same(before, byUs ?? null)).toBe(true)
          }
          if (result.operation === 'unchanged') continue
          intended = { before: theirs === undefined ? null : { f: before }, fields: result.fields }
          doubtful ||= one.lost !== 'no' && theirs !== undefined && isEmpty(before)
          written = result.written
          if (one.lost === 'before') continue
          theirs = { ...theirs, ...result.fields }
          if ('f' in result.fields) byUs = result.fields.f
          if (one.lost === 'after') continue
          written = { ...result.written, ...result.fields }
          intended = null
          const again = diffRecord(rule(mode), { ours: { f: one.value }, theirs, written, intended, deleted: false })
          expect(again).toMatchObject({ operation: 'unchanged', fields: {} })
        }
      }),
      { numRuns: 3_000 },
    )
  })
})
