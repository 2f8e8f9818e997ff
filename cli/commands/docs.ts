import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Command } from 'commander'
import { catalogOf } from '../../pipeline/artifacts/catalog.ts'
import { manifestOf } from '../../pipeline/artifacts/manifest.ts'
import { writeArtifact } from '../../pipeline/artifacts/write.ts'
import { codeRoot } from '../../pipeline/code-root.ts'
import { LedgerHeld, ProjectError } from '../../pipeline/errors.ts'
import type { Project } from '../../pipeline/load.ts'
import { docsOf } from '../../pipeline/state/docs-file.ts'
import type { Connection } from '../../pipeline/warehouse/duckdb.ts'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { openPublished } from '../../pipeline/warehouse/published-file.ts'
import { BUILD } from '../../pipeline/warehouse/session.ts'
import { siteData, writeSite } from '../../serve/site.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { openToRead } from '../read-session.ts'
import { action } from '../session.ts'

export function register(program: Command): void {
  const docs = program.command('docs').description('what documentation tools and editors read')
  addCommonOptions(
    docs
      .command('generate')
      .description('write target/manifest.json and target/catalog.json, as dbt does, and target/docs, a site'),
  ).action(
    action<CommonOptions>(async ({ report, root, load, invocation_id }, options) => {
      const project = await load()
      const { graph, config } = project
      const name = config.data.name
      const invocation = { invocation_id, generated_at: new Date().toISOString() }
      const target = join(root, 'target')
      writeArtifact(target, 'manifest.json', manifestOf(graph, name, invocation))
      const { catalog, site } = await withDatabase(project, async (connection, database) => ({
        catalog: await catalogOf({ connection, database, graph, project: name, invocation }),
        site: await siteData(connection, docsOf(graph, name)),
      }))
      writeArtifact(target, 'catalog.json', catalog)
      const folder = await writeSite({ code: codeRoot(), folder: join(target, 'docs'), site, catalog })
      if (options.output === 'json') report.json(catalog)
      const count = Object.keys(catalog.nodes as object).length + Object.keys(catalog.sources as object).length
      report.line(`${count} relations in target/catalog.json, ${graph.nodes.size} nodes in target/manifest.json`)
      if (folder !== undefined) report.line(`the same as pages in target/docs, for any web server`)
      return 0
    }),
  )
  addCommonOptions(
    docs.command('schemas').description('write the JSON Schemas of every YAML kind to docs/schemas of the repository'),
  ).action(
    action<CommonOptions>(async ({ report }) => {
      const { writeSchemas } = await import('../yaml-schemas.ts')
      const folder = join(codeRoot(), 'docs', 'schemas')
      for (const file of writeSchemas(folder)) report.out(relative(process.cwd(), file))
      return 0
    }),
  )
}

/** The build file, which holds every model; what is published, where there is none or a run holds it. */
async function withDatabase<T>(
  project: Project,
  work: (connection: Connection, database: string) => Promise<T>,
): Promise<T> {
  const places = placesOf(project.root, project.config.target)
  if (existsSync(places.build)) {
    try {
      const session = await openToRead(project, new Date().toISOString().slice(0, 10))
      return await work(session.connection, BUILD).finally(() => session.close())
    } catch (error) {
      if (!(error instanceof LedgerHeld) || !existsSync(places.warehouse)) throw error
    }
  }
  const published = await openPublished(places.warehouse)
  if (published === undefined)
    throw new ProjectError([{ file: 'data', message: 'nothing has been built yet', hint: 'pipeline run' }])
  try {
    const [current] = await published.connection.rows<{ name: string }>('select current_database() as name')
    return await work(published.connection, current!.name)
  } finally {
    published.close()
  }
}
