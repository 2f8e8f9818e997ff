import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pipeline } from '../../helpers/cli.ts'
import { errorsAgainst } from '../../helpers/dbt-schema.ts'
import { projectFolder } from '../../helpers/project.ts'

const files = {
  'seeds/colours.csv': 'id,name\n1,red\n2,blue\n',
  'models/staging/stg.sql': `select id, name from {{ ref('colours') }}`,
  'models/marts/mart.sql': `select * from {{ ref('stg') }}`,
  'models/marts/not_built.sql': `select error('no') as x`,
  'models/marts/all.yml': `version: 2
groups: [{ name: paint, owner: { name: Painters, email: paint@example.com } }]
models:
  - name: mart
    description: All colours.
    group: paint
    access: public
    constraints: [{ type: primary_key, columns: [id] }]
    config: { contract: { enforced: true } }
    columns: [{ name: id, description: Its id., data_type: bigint, constraints: [{ type: not_null }] }, { name: name, data_type: varchar }]
exposures:
  - { name: wall, type: dashboard, owner: { email: wall@example.com }, depends_on: ["ref('mart')"] }
sources:
  - name: outside
    freshness: { warn_after: { count: 1, period: day } }
    loaded_at_field: at
    tables: [{ name: visits, description: Visits., columns: [{ name: at, description: When. }] }]
`,
}
type Json = Record<string, Record<string, Record<string, unknown>>>
const artifact = (root: string, name: string) => JSON.parse(readFileSync(join(root, 'target', name), 'utf8')) as Json

describe('docs generate', { timeout: 60_000 }, () => {
  it('writes a catalog of what is there and a manifest of everything, both valid', async () => {
    const root = projectFolder(files)
    expect((await pipeline(root, ['build', '--quiet'])).code).toBe(1)
    const { code, stderr } = await pipeline(root, ['docs', 'generate'])
    expect([code, stderr]).toEqual([0, expect.stringContaining('relations in target/catalog.json')])
    const catalog = artifact(root, 'catalog.json')
    const manifest = artifact(root, 'manifest.json')
    expect(errorsAgainst('catalog-v1.json', catalog)).toEqual([])
    expect(errorsAgainst('manifest-v12.json', manifest)).toEqual([])
    expect(Object.keys(catalog.nodes!).sort()).toEqual(['model.demo.mart', 'model.demo.stg', 'seed.demo.colours'])
    expect(catalog.nodes!['model.demo.mart']).toEqual({
      metadata: {
        type: 'BASE TABLE',
        schema: 'marts',
        name: 'mart',
        database: 'warehouse',
        comment: 'All colours.',
        owner: 'Painters',
      },
      columns: {
        id: { type: 'BIGINT', index: 1, name: 'id', comment: 'Its id.' },
        name: { type: 'VARCHAR', index: 2, name: 'name', comment: null },
      },
      stats: expect.objectContaining({ num_rows: expect.objectContaining({ value: 2, include: true }) }),
      unique_id: 'model.demo.mart',
    })
    expect(catalog.nodes!['model.demo.stg']).toMatchObject({
      metadata: { type: 'VIEW' },
      stats: { has_stats: { value: false } },
    })
    expect(manifest.nodes!['model.demo.mart']).toMatchObject({
      access: 'public',
      group: 'paint',
      contract: { enforced: true },
      primary_key: ['id'],
      columns: { id: { constraints: [{ type: 'not_null' }] } },
    })
    expect(manifest.exposures!['exposure.demo.wall']).toMatchObject({ depends_on: { nodes: ['model.demo.mart'] } })
    expect(manifest.child_map!['model.demo.mart']).toEqual(['exposure.demo.wall'])
    expect(manifest.groups!['group.demo.paint']).toMatchObject({ owner: { name: 'Painters' } })
    // The same as a site: its page, and what the page reads in place of a server.
    const page = readFileSync(join(root, 'target', 'docs', 'index.html'), 'utf8')
    expect(page).toMatch(/<html data-static [\s\S]*src="assets\/[^"]+\.js"/)
    const site = artifact(root, 'docs/pipeline.json')
    expect(site.lineage!['model.demo.mart\tname']).toEqual(['model.demo.stg\tname'])
    expect(site.lineage!['model.demo.stg\tname']).toEqual(['seed.demo.colours\tname'])
    expect(site.details!['model.demo.mart']).toMatchObject({
      description: 'All colours.',
      columns: [
        { name: 'id', type: 'BIGINT', description: 'Its id.', tests: [] },
        { name: 'name', type: 'VARCHAR', description: '' },
      ],
    })
    expect(manifest.group_map!.paint).toEqual(['model.demo.mart'])
    expect(manifest.sources!['source.demo.outside.visits']).toMatchObject({
      loaded_at_field: 'at',
      freshness: { warn_after: { count: 1, period: 'day' } },
      columns: { at: { description: 'When.' } },
    })
  })

  it('reads what is published where the build file is gone, and says when nothing was built', async () => {
    const { 'models/marts/not_built.sql': _, ...whole } = files
    const root = projectFolder(whole)
    const nothing = await pipeline(root, ['docs', 'generate'])
    expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringContaining('nothing has been built yet')])
    expect((await pipeline(root, ['build', '--quiet'])).code).toBe(0)
    await pipeline(root, ['clean', '--quiet'])
    expect((await pipeline(root, ['docs', 'generate'])).code).toBe(0)
    expect(Object.keys(artifact(root, 'catalog.json').nodes!)).toEqual(['model.demo.mart'])
  })
})

describe('source freshness', { timeout: 60_000 }, () => {
  it('exits 1 for what is too old or unreadable, writes sources.json, and refuses a day to come', async () => {
    const yaml = `version: 2
sources:
  - name: ledger
    loaded_at_field: requested_at
    freshness: { error_after: { count: 1, period: day } }
    tables: [{ name: calls }]
`
    const root = projectFolder({ ...files, 'models/sources.yml': yaml })
    const none = await pipeline(root, ['source', 'freshness'])
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('there is no ledger yet')])
    await pipeline(root, ['build', '--quiet'])
    const found = await pipeline(root, ['source', 'freshness', '-s', 'source:ledger'])
    expect([found.code, found.stdout]).toEqual([1, 'error ledger.calls: never loaded, more than 1 day\n'])
    const sources = artifact(root, 'sources.json') as unknown as { results: { status: string }[] }
    expect(errorsAgainst('sources-v3.json', sources)).toEqual([])
    expect(sources.results.map(({ status }) => status)).toEqual(['error'])
    const all = await pipeline(root, ['source', 'freshness', '--as-of', '2026-01-31', '-o', 'target/past.json'])
    expect([all.code, all.stdout]).toEqual([1, expect.stringContaining('error outside.visits: Catalog Error')])
    expect(artifact(root, 'past.json').results).toContainEqual(
      expect.objectContaining({ snapshotted_at: '2026-02-01T00:00:00.000Z' }),
    )
    expect((await pipeline(root, ['source', 'freshness', '--as-of', '2999-01-01'])).code).toBe(2)
  })
})

describe('show', { timeout: 60_000 }, () => {
  it('reads a project whose sources are of another schema', async () => {
    const root = projectFolder(files)
    await pipeline(root, ['build', '--quiet'])
    const shown = await pipeline(root, ['show', '-s', 'mart', '--quiet'])
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('red')])
  })
})
