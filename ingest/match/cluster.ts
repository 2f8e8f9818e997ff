import type { Connection } from '../../pipeline/warehouse/duckdb.ts'

/** A record of a cluster in doubt. */
export interface Member {
  r: number
  cnpj_root: string | null
  /** A domain that other records have, too. */
  domain: string | null
}

/** Why two records are thought to be one (`bits` > 0), or not (`bits` < 0). */
export interface Link {
  a: number
  b: number
  /** What a person decided counts first, then exact keys, then the rest. */
  rank: number
  bits: number
}

interface Cluster {
  members: number[]
  roots: Set<string>
  domains: Set<string>
  /** Root of the other cluster → how many pairs speak for and against joining it. */
  votes: Map<number, { pros: number; cons: number; barred: boolean }>
}

/** Ranks of a link. */
export const RANK = { decided: 0, exact: 1, probable: 2 } as const

/**
 * Joins records along the links, the strongest first, and refuses what would put two CNPJ roots into one cluster, two
 * confirmed domains where only likeness speaks for it, records that a person told apart, or more pairs that contradict
 * than agree. Answers the lowest record of everyone's cluster. The order of what is given does not matter.
 */
export function joinMembers(members: readonly Member[], links: readonly Link[]): Map<number, number> {
  const parent = new Map<number, number>()
  const clusters = new Map<number, Cluster>()
  for (const { r, cnpj_root, domain } of members) {
    parent.set(r, r)
    clusters.set(r, {
      members: [r],
      roots: new Set(cnpj_root === null ? [] : [cnpj_root]),
      domains: new Set(domain === null ? [] : [domain]),
      votes: new Map(),
    })
  }
  const find = (r: number): number => {
    let top = r
    while (parent.get(top) !== top) top = parent.get(top)!
    for (let at = r; at !== top; ) {
      const next = parent.get(at)!
      parent.set(at, top)
      at = next
    }
    return top
  }
  const vote = (from: number, to: number, pros: number, cons: number, barred: boolean) => {
    const votes = clusters.get(from)!.votes
    const known = votes.get(to)
    if (known === undefined) votes.set(to, { pros, cons, barred })
    else Object.assign(known, { pros: known.pros + pros, cons: known.cons + cons, barred: known.barred || barred })
  }
  for (const { a, b, rank, bits } of links) {
    const pro = bits > 0
    const barred = !pro && rank === RANK.decided
    vote(a, b, pro ? 1 : 0, pro ? 0 : 1, barred)
    vote(b, a, pro ? 1 : 0, pro ? 0 : 1, barred)
  }
  const ordered = links
    .filter(({ bits }) => bits > 0)
    .sort((x, y) => x.rank - y.rank || y.bits - x.bits || x.a - y.a || x.b - y.b)
  for (const link of ordered) {
    const [a, b] = [find(link.a), find(link.b)].sort((x, y) => x - y) as [number, number]
    if (a === b || !mayJoin(clusters.get(a)!, clusters.get(b)!, b, link.rank)) continue
    parent.set(b, a)
    const [into, gone] = [clusters.get(a)!, clusters.get(b)!]
    for (const member of gone.members) into.members.push(member)
    for (const root of gone.roots) into.roots.add(root)
    for (const domain of gone.domains) into.domains.add(domain)
    into.votes.delete(b)
    for (const [other, { pros, cons, barred }] of gone.votes) {
      if (other === a) continue
      vote(a, other, pros, cons, barred)
      clusters.get(other)!.votes.delete(b)
      vote(other, a, pros, cons, barred)
    }
    clusters.delete(b)
  }
  return new Map(members.map(({ r }) => [r, find(r)]))
}

function mayJoin(a: Cluster, b: Cluster, bTop: number, rank: number): boolean {
  for (const root of b.roots) if (a.roots.size > 0 && !a.roots.has(root)) return false
  const votes = a.votes.get(bTop)
  if (votes?.barred === true) return false
  if (rank !== RANK.probable) return true
  if (a.domains.size > 0 && b.domains.size > 0 && [...b.domains].every((domain) => !a.domains.has(domain))) return false
  return votes === undefined || votes.pros > votes.cons
}

/** `match_clusters` (r, c): every record of `match_profiles` with the lowest record of its cluster. `match_links`: see Link. */
export async function createClusters(connection: Connection): Promise<void> {
  await connection.run(`
    create or replace temp table match_labels as
        select r, r as label from (select a as r from match_links where bits > 0 union select b from match_links where bits > 0)`)
  for (let moved = 1; moved > 0; ) {
    await connection.run(`
      create or replace temp table match_offers as
          select r, min(label) as label
          from (
              select links.a as r, labels.label from match_links as links join match_labels as labels on labels.r = links.b where links.bits > 0
              union all
              select links.b, labels.label from match_links as links join match_labels as labels on labels.r = links.a where links.bits > 0
              union all
              select labels.r, next.label from match_labels as labels join match_labels as next on next.r = labels.label
          )
          group by r`)
    const [found] = await connection.rows<{ moved: number }>(
      'select count(*) as moved from match_offers join match_labels using (r) where match_offers.label < match_labels.label',
    )
    moved = found!.moved
    await connection.run('create or replace temp table match_labels as select * from match_offers')
  }
  await connection.run(`
    create or replace temp table match_members as
        with domains as (
            select domain from match_profiles where domain is not null group by domain having count(*) > 1
        )
        select labels.label, profiles.r, profiles.cnpj_root, domains.domain
        from match_labels as labels
        join match_profiles as profiles on profiles.r = labels.r
        left join domains on domains.domain = profiles.domain;
    create or replace temp table match_doubtful as
        select label from match_members group by label
        having min(cnpj_root) <> max(cnpj_root) or min(domain) <> max(domain)
        union
        select x.label from match_links as links
        join match_labels as x on x.r = links.a join match_labels as y on y.r = links.b
        where links.bits < 0 and x.label = y.label;
    create or replace temp table match_settled (r integer, c integer)`)
  const settled: { r: number; c: number }[] = []
  const flush = async () => {
    await connection.insert('match_settled', { r: 'INTEGER', c: 'INTEGER' }, settled.splice(0))
  }
  const members = await connection.rows<Member & { label: number }>(
    'select label, r, cnpj_root, domain from match_members semi join match_doubtful using (label) order by label, r',
  )
  const links = await connection.rows<Link & { label: number }>(`
    select x.label, links.a, links.b, links.rank, links.bits
    from match_links as links
    join match_labels as x on x.r = links.a join match_labels as y on y.r = links.b
    semi join match_doubtful as doubtful on doubtful.label = x.label
    where x.label = y.label
    order by x.label, links.a, links.b, links.rank`)
  const linksOf = grouped(links)
  for (const [label, group] of grouped(members)) {
    for (const [r, c] of joinMembers(group, linksOf.get(label) ?? [])) settled.push({ r, c })
    if (settled.length >= 100_000) await flush()
  }
  await flush()
  await connection.run(`
    create or replace temp table match_clusters as
        select profiles.r, coalesce(settled.c, labels.label, profiles.r) as c
        from match_profiles as profiles
        left join match_labels as labels on labels.r = profiles.r
        left join match_settled as settled on settled.r = profiles.r;
    drop table match_labels; drop table match_offers; drop table match_members; drop table match_doubtful; drop table match_settled`)
}

function grouped<T extends { label: number }>(rows: readonly T[]): Map<number, T[]> {
  const groups = new Map<number, T[]>()
  for (const row of rows) {
    const group = groups.get(row.label)
    if (group === undefined) groups.set(row.label, [row])
    else group.push(row)
  }
  return groups
}
