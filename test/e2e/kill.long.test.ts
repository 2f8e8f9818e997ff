import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSession } from '../../pipeline/warehouse/session.ts'
import { pipeline } from '../helpers/cli.ts'
import { projectFolder } from '../helpers/project.ts'

// Builds with every materialization are killed (-9) at random points. KILLS=50 tries more points, KILL_SEED=n the same
// ones again; the seed is in the title.

const KILLS = Number(process.env.KILLS ?? 6)
const SEED = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 1_000_000))
const LONG = 120_000
const ROWS = 4_000

/** mulberry32: the same numbers for the same seed. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** The second version changes every fifth row, lacks every ninety-seventh and has some more. */
function orders(version: 1 | 2): string {
  const rows = Array.from({ length: version === 1 ? ROWS : ROWS + 500 }, (_, id) => {
    const later = version === 2 && (id % 5 === 0 || id >= ROWS)
    return version === 2 && id % 97 === 0
      ? ''
      : `${id},${later ? '2025-01-20' : '2025-01-10'},${id * (later ? 3 : 2)}\n`
  })
  return `id,changed,amount\n${rows.join('')}`
}

const incremental = (config: string, where: string) =>
  `{{ config(materialized='incremental'${config}) }}\nselect * from {{ ref('spread') }}\n{% if is_incremental() %} where ${where} {% endif %}`
const snapshot = (name: string, config: string) =>
  `  - { name: ${name}, relation: "ref('orders')", config: { unique_key: id, ${config} } }\n`

const FILES = {
  'seeds/orders.csv': orders(1),
  'models/staging/stg_orders.sql': `select * from {{ ref('orders') }}`,
  'models/marts/spread.sql': `select id * 40 + n as id, changed, amount + n as amount from {{ ref('stg_orders') }} cross join range(40) as r(n)`,
  'models/marts/appended.sql': incremental('', 'changed > (select max(changed) from {{ this }})'),
  'models/marts/replaced.sql': incremental(`, unique_key='id'`, `changed >= date '2025-01-20'`),
  'models/marts/merged.sql': incremental(
    `, unique_key=['id'], incremental_strategy='merge', on_schema_change='sync_all_columns'`,
    `changed >= date '2025-01-20'`,
  ),
  'models/marts/summed.sql': ['appended', 'replaced', 'merged']
    .map((name) => `select '${name}' as name, count(*) as rows, sum(amount) as amount from {{ ref('${name}') }}`)
    .join('\nunion all '),
  'models/marts/changes.sql': `select id, count(*) as versions from {{ ref('by_time') }} join {{ ref('by_value') }} using (id) group by id`,
  'snapshots/orders.yml': `snapshots:\n${snapshot('by_time', 'strategy: timestamp, updated_at: changed, hard_deletes: new_record')}${snapshot('by_value', 'strategy: check, check_cols: [amount], hard_deletes: invalidate')}`,
}

type Content = Record<string, string>

/** A hash of every relation's rows, in the build file and of the snapshots in the ledger; read from a copy of the files. */
async function contentOf(root: string): Promise<Content> {
  const copy = mkdtempSync(join(tmpdir(), 'lead-engine-kill-'))
  cpSync(join(root, 'data'), copy, { recursive: true })
  const build = join(copy, '.build', 'warehouse.duckdb')
  const { connection, close } = await openSession({ build, ledger: join(copy, 'ledger.duckdb'), as_of: '2025-02-01' })
  const content: Content = {}
  const tables = await connection.rows<{ name: string }>(
    `select database_name || '.' || schema_name || '.' || table_name as name from duckdb_tables()
     where schema_name in ('seeds', 'staging', 'marts', 'snapshots', 'main') order by all`,
  )
  for (const { name } of tables) {
    const [row] = await connection.rows<{ hash: string }>(
      `select count(*) || ':' || coalesce(sum(hash(_row)), 0) as hash from ${name} as _row`,
    )
    content[name] = row!.hash
  }
  close()
  rmSync(copy, { recursive: true })
  return content
}

const build = (root: string, as_of: string, onStart?: Parameters<typeof pipeline>[2]) =>
  pipeline(root, ['build', '--as-of', as_of], onStart)

describe(`kill -9 at ${KILLS} random points (KILL_SEED=${SEED})`, () => {
  const roots: string[] = []
  const random = numbers(SEED)
  const points = Array.from({ length: KILLS }, () => random())
  let base: string
  let before: Content
  let after: Content
  let span: number

  beforeAll(async () => {
    base = projectFolder(FILES)
    roots.push(base)
    const first = await build(base, '2025-01-31')
    expect(first.code, first.stderr).toBe(0)
    before = await contentOf(base)
    const undisturbed = copyOf(base)
    const clock = performance.now()
    const second = await build(undisturbed, '2025-02-01')
    span = performance.now() - clock
    expect(second.code, second.stderr).toBe(0)
    after = await contentOf(undisturbed)
  }, LONG)

  afterAll(() => {
    for (const root of roots) rmSync(root, { recursive: true, force: true })
  })

  /** The project as it was before the second build, with the second version of its seed. */
  function copyOf(root: string): string {
    const copy = mkdtempSync(join(tmpdir(), 'lead-engine-kill-'))
    roots.push(copy)
    cpSync(root, copy, { recursive: true, verbatimSymlinks: true })
    writeFileSync(join(copy, 'seeds/orders.csv'), orders(2))
    return copy
  }

  it('the two builds differ in every table', () => {
    const same = Object.keys(after).filter((name) => after[name] === before[name])
    expect(same).toEqual([])
    expect(Object.keys(after)).toEqual(Object.keys(before))
    expect(Object.keys(after).length).toBeGreaterThan(8)
  })

  it.each(points)(
    'at %f of a build: every table is the old one or the new one, and the next run goes on',
    async (point) => {
      const root = copyOf(base)
      const killed = await build(root, '2025-02-01', {
        onStart: (child) => setTimeout(() => child.kill('SIGKILL'), span * (0.2 + 0.8 * point)),
      })
      expect(killed.signal === 'SIGKILL' || killed.code === 0).toBe(true)
      const left = await contentOf(root)
      expect(Object.keys(left)).toEqual(Object.keys(before))
      expect(Object.entries(left).filter(([name, hash]) => hash !== before[name] && hash !== after[name])).toEqual([])
      const next = await build(root, '2025-02-01')
      expect(next.code, next.stderr).toBe(0)
      expect(await contentOf(root)).toEqual(after)
      rmSync(root, { recursive: true })
    },
    LONG,
  )
})
