import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { columnLineage } from '../pipeline/lineage.ts'
import type { Docs } from '../pipeline/state/docs-file.ts'
import type { Connection, Row } from '../pipeline/warehouse/duckdb.ts'
import { builtApp } from './app-build.ts'

/** What the pages about a project need when no server answers them. */
export interface Site {
  docs: Docs
  /** How each node last went; none where nothing has run. */
  last: Row[]
  /** Node and column, with a tab between → what it is made from, in the same form. */
  lineage: Record<string, string[]>
}

export async function siteData(connection: Connection, docs: Docs): Promise<Site> {
  const { from } = await columnLineage(connection, docs)
  const tabbed = (key: string) => key.replace('\0', '\t')
  const lineage = [...from].map(([made, sources]) => [tabbed(made), [...sources].map(tabbed).sort()] as const)
  const last = await connection
    .rows('select node_id, status, row_count, seconds, message from ops.nodes')
    .catch(() => [])
  return { docs, last, lineage: Object.fromEntries(lineage.filter(([, sources]) => sources.length > 0)) }
}

interface SiteOptions {
  /** The repository whose `serve/app` the pages are. */
  code: string
  folder: string
  site: Site
  /** dbt's catalog: what types columns have. */
  catalog: Record<string, unknown>
}

/** Writes the dashboard's Pipeline pages, with their data, for any web server; undefined without what builds them. */
export async function writeSite({ code, folder, site, catalog }: SiteOptions): Promise<string | undefined> {
  const built = await builtApp(code).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  })
  if (built === undefined) return undefined
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  cpSync(join(built, 'assets'), join(folder, 'assets'), { recursive: true })
  const page = readFileSync(join(built, 'index.html'), 'utf8')
  writeFileSync(
    join(folder, 'index.html'),
    page.replace('<html ', '<html data-static ').replaceAll('="/assets/', '="assets/'),
  )
  writeFileSync(join(folder, 'pipeline.json'), `${JSON.stringify(writtenOut(site, catalog))}\n`)
  return folder
}

function writtenOut({ docs, last, lineage }: Site, catalog: Record<string, unknown>) {
  const tables = { ...(catalog.nodes as object), ...(catalog.sources as object) } as Record<
    string,
    { columns: Record<string, { type: string }> }
  >
  const details = docs.nodes.map((node) => {
    const types = tables[node.id]?.columns ?? {}
    const named = new Set(node.columns.map(({ name }) => name))
    const undescribed = Object.keys(types).filter((name) => !named.has(name))
    const columns = [
      ...node.columns.map((column) => ({ ...column, type: types[column.name]?.type ?? column.type })),
      ...undescribed.map((name) => ({ name, description: '', type: types[name]!.type, tests: [], pii: false })),
    ]
    const tests = docs.tests
      .filter(({ about }) => about === node.id)
      .map(({ name, column, severity }) => ({ name, column_name: column, severity, status: null, failures: null }))
    return [node.id, { ...node, columns, tests }] as const
  })
  const results = new Map(last.map(({ node_id, ...result }) => [node_id, result]))
  const nodes = docs.nodes.map(({ sql: _, columns, ...node }) => ({
    ...{ ...node, columns: columns.length, status: null, row_count: null, seconds: null, message: null },
    ...results.get(node.id),
  }))
  return { nodes, details: Object.fromEntries(details), lineage }
}
