import { describe, expect, it } from 'vitest'
import { sourcesOf } from '../../../pipeline/artifacts/sources.ts'
import { sourceFreshness } from '../../../pipeline/freshness.ts'
import type { LedgerTable, Step } from '../../../pipeline/step.ts'
import { errorsAgainst } from '../../helpers/dbt-schema.ts'
import { load, projectFolder } from '../../helpers/project.ts'
import { world } from '../../helpers/world.ts'

const companies: LedgerTable = {
  source: 'mock',
  table: 'companies',
  description: 'Companies.',
  columns: { id: 'VARCHAR', seen: 'DATE' },
  key: ['id'],
  write: 'merge',
}
const fetch: Step = {
  name: 'fetch',
  kind: 'resource',
  stage: 'discovery',
  file: 'ingest/run.ts',
  description: '',
  reads: [],
  records: [companies],
  fingerprint: 'x',
  run: async () => ({ rows: 0, text: '' }),
}
const invocation = { invocation_id: '00000000-0000-4000-8000-000000000000', generated_at: '2026-01-31T10:00:00.000Z' }
const limits = 'warn_after: { count: 12, period: hour }, error_after: { count: 2, period: day }'

/** Ages of the sources that a property file describes, with two rows fetched on 20 and 21 November. */
async function ages(yaml: string, at: string, as_of = '2026-11-22') {
  const { graph } = await load(projectFolder({ 'models/sources.yml': `version: 2\nsources:\n${yaml}` }), {
    steps: [fetch],
  })
  const w = await world({ as_of })
  try {
    const context = await w.context(fetch)
    for (const [id, day] of [
      ['a', '2026-11-20'],
      ['b', '2026-11-21'],
    ] as const)
      await context.record(companies, [[{ id, seen: '2026-11-01' }]], { fetched_at: `${day}T06:00:00.123456Z` })
    await w.connection.run(`create schema _build.lake; create table _build.lake.visits ("at" timestamptz, kind varchar);
      insert into _build.lake.visits values ('2026-11-21 10:00:00+00', 'a'), ('2026-11-10 10:00:00+00', 'b');
      create table _build.lake.empty ("at" timestamp)`)
    const { session } = w.world
    await session.useSchemas(['lake'])
    const chosen = new Set(graph.nodes.keys())
    const now = () => new Date(at)
    return await sourceFreshness({ graph, chosen, session, lake: '', at: new Date(at), now })
  } finally {
    w.close()
  }
}
const mock = (freshness: string) => `  - { name: mock, freshness: { ${freshness} }, tables: [{ name: companies }] }\n`
const brief = (found: Awaited<ReturnType<typeof ages>>) =>
  found.map(({ node, status, max_loaded_at }) => [node.name, status, max_loaded_at])

describe('source freshness', () => {
  it('of a ledger table counts from its latest fetch to the given instant', async () => {
    const loaded = '2026-11-21T06:00:00.123Z'
    expect(brief(await ages(mock(limits), '2026-11-21T18:00:00Z'))).toEqual([['companies', 'pass', loaded]])
    expect(brief(await ages(mock(limits), '2026-11-21T18:00:01Z'))).toEqual([['companies', 'warn', loaded]])
    const [late] = await ages(mock(limits), '2026-11-23T06:00:01.123Z')
    expect([late!.status, late!.age_s]).toEqual(['error', 172_801])
  })

  it('sees only what was known on the date of the session', async () => {
    const found = await ages(mock(limits), '2026-11-21T00:00:00Z', '2026-11-20')
    expect(brief(found)).toEqual([['companies', 'warn', '2026-11-20T06:00:00.123Z']])
  })

  it('has one limit or both', async () => {
    const only = (period: string) => ages(mock(`${period}: { count: 1, period: minute }`), '2026-11-22T00:00:00Z')
    expect((await only('warn_after'))[0]!.status).toBe('warn')
    expect((await only('error_after'))[0]!.status).toBe('error')
  })

  it('of any table asks the field, the filter or the query it names', async () => {
    const yaml = `  - name: outside
    schema: lake
    loaded_at_field: at
    freshness: { ${limits} }
    tables:
      - { name: visits }
      - { name: old, identifier: visits, freshness: { filter: "kind = 'b'", ${limits} } }
      - { name: asked, loaded_at_query: "select timestamp '2026-11-22 01:00:00'" }
      - { name: empty }
      - { name: gone }
`
    const found = await ages(yaml, '2026-11-22T02:00:00Z')
    expect(brief(found).sort()).toEqual([
      ['asked', 'pass', '2026-11-22T01:00:00.000Z'],
      ['empty', 'error', '0001-01-01T00:00:00.000Z'],
      ['gone', 'runtime error', undefined],
      ['old', 'error', '2026-11-10T10:00:00.000Z'],
      ['visits', 'warn', '2026-11-21T10:00:00.000Z'],
    ])
    expect(found.find(({ node }) => node.name === 'gone')!.error).toContain('gone')
    expect(errorsAgainst('sources-v3.json', sourcesOf(found, invocation, 0.5))).toEqual([])
  })
})
