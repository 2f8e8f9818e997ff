import fc from 'fast-check'
import { expect, test } from 'vitest'
import { joinMembers, type Link, type Member, RANK } from '../../../../ingest/match/cluster.ts'

const SIZE = 9
const worlds = fc.record({
  members: fc.tuple(
    ...Array.from({ length: SIZE }, (_, index) =>
      fc.record({
        r: fc.constant(index + 1),
        cnpj_root: fc.constantFrom(null, null, '11111111', '22222222'),
        domain: fc.constantFrom(null, null, 'a.com', 'b.com'),
      }),
    ),
  ),
  links: fc.array(
    fc
      .record({
        a: fc.integer({ min: 1, max: SIZE }),
        b: fc.integer({ min: 1, max: SIZE }),
        rank: fc.constantFrom(RANK.decided, RANK.exact, RANK.probable),
        bits: fc.constantFrom(-8, 3, 4, 9),
      })
      .filter(({ a, b, rank, bits }) => a < b && (rank !== RANK.exact || bits > 0)),
    { maxLength: 20 },
  ),
})

function clustersOf(members: readonly Member[], links: readonly Link[]): Member[][] {
  const found = joinMembers(members, links)
  const groups = new Map<number, Member[]>()
  for (const member of members) groups.set(found.get(member.r)!, [...(groups.get(found.get(member.r)!) ?? []), member])
  return [...groups.values()]
}

test('no cluster holds two legal entities, nor two records that a person told apart', () => {
  fc.assert(
    fc.property(worlds, ({ members, links }) => {
      for (const cluster of clustersOf(members, links)) {
        const roots = new Set(cluster.flatMap(({ cnpj_root }) => cnpj_root ?? []))
        expect(roots.size).toBeLessThanOrEqual(1)
        const inside = new Set(cluster.map(({ r }) => r))
        const apart = links.filter(({ rank, bits }) => rank === RANK.decided && bits < 0)
        expect(apart.filter(({ a, b }) => inside.has(a) && inside.has(b))).toEqual([])
      }
    }),
  )
})

test('what a person joined is one, unless two legal entities or another decision stand against it', () => {
  const member = (r: number, cnpj_root: string | null = null, domain: string | null = null): Member => ({
    r,
    cnpj_root,
    domain,
  })
  const same: Link = { a: 1, b: 2, rank: RANK.decided, bits: 1 }
  const against: Link = { a: 1, b: 2, rank: RANK.probable, bits: -20 }
  expect(clustersOf([member(1, null, 'a.com'), member(2, null, 'b.com')], [same, against])).toHaveLength(1)
  expect(clustersOf([member(1, '11111111'), member(2, '22222222')], [same])).toHaveLength(2)
})

test('likeness joins neither two confirmed domains nor more contradictions than agreements', () => {
  const member = (r: number, domain: string | null = null): Member => ({ r, cnpj_root: null, domain })
  const link = (a: number, b: number, bits: number, rank: number = RANK.probable): Link => ({ a, b, bits, rank })
  expect(clustersOf([member(1, 'a.com'), member(2, 'b.com')], [link(1, 2, 9)])).toHaveLength(2)
  expect(clustersOf([member(1, 'a.com'), member(2, 'b.com')], [link(1, 2, 9, RANK.exact)])).toHaveLength(1)
  const bridge = [link(1, 2, 9), link(2, 3, 4), link(1, 3, -9)]
  expect(clustersOf([member(1), member(2), member(3)], bridge)).toHaveLength(2)
})

test('the order of what is given does not matter', () => {
  fc.assert(
    fc.property(worlds, fc.nat(), ({ members, links }, turn) => {
      const turned = <T>(list: readonly T[]) =>
        [...list.slice(turn % (list.length + 1)), ...list.slice(0, turn % (list.length + 1))].reverse()
      const sorted = (found: Map<number, number>) => [...found].sort(([a], [b]) => a - b)
      expect(sorted(joinMembers(turned(members), turned(links)))).toEqual(sorted(joinMembers(members, links)))
    }),
  )
})
