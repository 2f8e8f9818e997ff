import { type Problem, ProjectError } from '../../pipeline/errors.ts'
import type { Project } from '../../pipeline/load.ts'
import { didYouMean } from '../../pipeline/nearest.ts'
import type { NewFiles } from './files.ts'

/** Where a model lies is said by how its name begins. */
const LAYERS = [
  { is: /^stg_([a-z0-9]+(?:_[a-z0-9]+)*)__([a-z0-9_]+)$/, folder: 'staging' },
  { is: /^int_/, folder: 'intermediate' },
  { is: /^(fct|dim)_/, folder: 'marts' },
]
const DEFAULT_FROM = 'dim_companies'

/** A model over one relation of the project, with its key tested. Throws ProjectError where there is no such relation. */
export function newModel(name: string, project: Project, from?: string): NewFiles {
  const layer = LAYERS.find(({ is }) => is.test(name))
  if (layer === undefined) {
    const hint =
      'stg_<source>__<entities>, int_<entities>_<verb>, dim_<entities> or fct_<events>: that says where it lies.'
    throw problem(`'${name}' says no layer`, hint)
  }
  const [, source, table] = LAYERS[0]!.is.exec(name) ?? []
  const base = source === undefined ? overRelation(project, from ?? DEFAULT_FROM) : overSource(project, source, table!)
  const folder = source === undefined ? `models/${layer.folder}` : `models/staging/${source}`
  const up = '../'.repeat(folder.split('/').length)
  return {
    files: [
      { path: `${folder}/${name}.sql`, text: sql(base) },
      { path: `${folder}/${name}.yml`, text: properties(name, base, up) },
    ],
    relations: true,
    next: [`${folder}/${name}.sql    write what it is to say`, 'npx pipeline check', `npx pipeline build -s ${name}`],
  }
}

interface Base {
  cte: string
  ref: string
  about: string
  key: { name: string; description: string }[]
}

/** A model, or a step's table, whose key is a column with a test that it is unique. */
function overRelation({ graph }: Project, from: string): Base {
  const models = [...graph.nodes.values()].filter((node) => node.kind === 'model')
  const found = models.find((node) => node.name === from)
  if (found === undefined) {
    const hint =
      didYouMean(
        from,
        models.map(({ name }) => name),
      ) ?? 'npx pipeline ls --resource-type model lists them.'
    throw problem(`--from '${from}' is no model of the project`, hint)
  }
  const unique = found.columns.find(({ data_tests = [] }) => data_tests.includes('unique'))
  if (unique === undefined)
    throw problem(`--from '${from}' has no column that is tested to be unique`, 'Take another, and join it by hand.')
  const key = [{ name: unique.name, description: unique.description || `Key of ${from}.` }]
  return { cte: from.replace(/^[a-z]+_/, ''), ref: `ref('${from}')`, about: from, key }
}

/** A table of the ledger, of which every key column is kept. */
function overSource({ graph }: Project, source: string, table: string): Base {
  const sources = [...graph.nodes.values()].filter((node) => node.kind === 'source')
  const found = sources.find((node) => node.source === source && node.table === table)
  if (found?.ledger === undefined) {
    const near = sources.map((node) => `stg_${node.source}__${node.table}`)
    const hint = didYouMean(`stg_${source}__${table}`, near) ?? 'npx pipeline ls --resource-type source lists them.'
    throw problem(`there is no source('${source}', '${table}')`, hint)
  }
  const { key, docs = {} } = found.ledger
  const columns = key.map((name) => ({ name, description: docs[name] ?? 'Part of its key.' }))
  return { cte: 'source', ref: `source('${source}', '${table}')`, about: `${source}.${table}`, key: columns }
}

const sql = ({ cte, ref, about, key }: Base) => `-- One row per row of ${about}.

with

${cte} as (

    select * from {{ ${ref} }}

),

final as (

    select
${key.map(({ name }) => `        ${name}`).join(',\n')}

    from ${cte}

)

select * from final
`

function properties(name: string, { about, key }: Base, up: string): string {
  const tests = key.length === 1 ? '[unique, not_null]' : '[not_null]'
  const together = key.length === 1 ? '' : combination(key)
  const columns = key.map(
    (column) => `      - name: ${column.name}
        description: ${JSON.stringify(column.description.trim())}
        data_tests: ${tests}`,
  )
  return `# yaml-language-server: $schema=${up}docs/schemas/properties.json
version: 2

models:
  - name: ${name}
    description: One row per row of ${about}.
${together}    columns:
${columns.join('\n')}
`
}

const combination = (key: Base['key']) => `    data_tests:
      - unique_combination:
          arguments: { columns: [${key.map(({ name }) => name).join(', ')}] }
`

function problem(message: string, hint: string): ProjectError {
  const one: Problem = { file: 'new model', message, hint }
  return new ProjectError([one])
}
