import type { UnitFixture, UnitTestNode } from '../nodes.ts'

/** A unit test as dbt's manifest has it. What dbt knows nothing of (a CTE, the clock) stands in `config.meta`. */
export function unitTestEntry(node: UnitTestNode, project: string): Record<string, unknown> {
  const { overrides, config } = node.definition
  const own = {
    ...(node.cte === undefined ? {} : { cte: node.cte }),
    ...(node.as_of === undefined ? {} : { as_of: node.as_of }),
  }
  return {
    model: node.definition.model,
    name: node.name,
    resource_type: 'unit_test',
    package_name: project,
    path: node.file.split('/').slice(1).join('/') || node.file,
    original_file_path: node.file,
    unique_id: node.id,
    fqn: [...node.fqn],
    description: node.description,
    given: node.given.map((given) => ({ input: given.input, ...fixture(given, node) })),
    expect: fixture(node.expect, node),
    overrides:
      overrides === undefined ? null : { macros: overrides.macros ?? {}, vars: overrides.vars ?? {}, env_vars: {} },
    depends_on: { macros: [], nodes: [node.attached] },
    config: {
      tags: node.tags,
      enabled: true,
      meta: Object.keys(own).length === 0 ? (config.meta ?? {}) : { ...config.meta, pipeline: own },
    },
    created_at: 0,
    versions: null,
    version: null,
  }
}

function fixture({ format, rows, path }: UnitFixture, { definition }: UnitTestNode) {
  const [kind, index] = path
  const written = kind === 'given' ? definition.given[index as number] : definition.expect
  return {
    rows: format === 'seed' ? null : rows,
    format: format === 'seed' ? 'dict' : format,
    fixture: written?.fixture ?? null,
  }
}
