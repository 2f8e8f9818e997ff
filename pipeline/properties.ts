import { z } from 'zod'
import { incrementalSettings, snapshotSettings } from './materializations/settings.ts'
import { access, constraint, contract, exposure, group, sourceKeys } from './property-metadata.ts'
import { testConfigSchema } from './tests/config.ts'
import { unitTestSchema } from './unit-tests/schema.ts'

// dbt's property files (`version: 2`), as far as they are understood. Strict: what is not understood is an error.

/** `unique`, or `{ accepted_values: { values: […], config: … } }`, or `{ name: …, test_name: … }`. */
const dataTest = z.union([z.string(), z.record(z.string(), z.unknown())])

const meta = z.record(z.string(), z.unknown())
const tags = z.union([z.string().transform((tag) => [tag]), z.array(z.string())])

const column = z.strictObject({
  name: z.string(),
  description: z.string().default(''),
  data_type: z.string().optional(),
  meta: meta.default({}),
  tags: tags.optional(),
  quote: z.boolean().optional(),
  constraints: z.array(constraint).optional(),
  config: z.strictObject({ meta: meta.optional(), tags: tags.optional() }).optional(),
  tests: z.array(dataTest).optional(),
  data_tests: z.array(dataTest).optional(),
})

const nodeConfig = z.strictObject({
  materialized: z.enum(['view', 'table', 'incremental', 'seed']).optional(),
  ...incrementalSettings,
  schema: z.string().optional(),
  alias: z.string().optional(),
  tags: tags.optional(),
  enabled: z.boolean().optional(),
  meta: meta.optional(),
  column_types: z.record(z.string(), z.string()).optional(),
  delimiter: z.string().length(1).optional(),
  docs: z.strictObject({ show: z.boolean().optional() }).optional(),
  contract: contract.optional(),
  access: access.optional(),
  group: z.string().optional(),
})

const node = z.strictObject({
  name: z.string(),
  description: z.string().default(''),
  config: nodeConfig.default({}),
  meta: meta.optional(),
  access: access.optional(),
  group: z.string().optional(),
  constraints: z.array(constraint).optional(),
  columns: z.array(column).default([]),
  tests: z.array(dataTest).optional(),
  data_tests: z.array(dataTest).optional(),
})

/** Which of the model's columns a version has. */
const inclusion = z.strictObject({
  include: z.union([z.enum(['*', 'all']), z.array(z.string())]),
  exclude: z.array(z.string()).optional(),
})

const version = z.strictObject({
  v: z.union([z.string(), z.number()]),
  defined_in: z.string().optional(),
  deprecation_date: z.string().optional(),
  description: z.string().optional(),
  config: nodeConfig.optional(),
  access: access.optional(),
  constraints: z.array(constraint).optional(),
  columns: z.array(z.union([inclusion, column])).optional(),
  tests: z.array(dataTest).optional(),
  data_tests: z.array(dataTest).optional(),
})

const model = z.strictObject({
  ...node.shape,
  latest_version: z.union([z.string(), z.number()]).optional(),
  versions: z.array(version).min(1).optional(),
})

const snapshot = z.strictObject({
  name: z.string(),
  relation: z.string("must be ref('…') or source('…', '…')"),
  description: z.string().default(''),
  config: snapshotSettings,
  meta: meta.optional(),
  columns: z.array(column).default([]),
  tests: z.array(dataTest).optional(),
  data_tests: z.array(dataTest).optional(),
})

const sourceTable = z.strictObject({
  name: z.string(),
  ...sourceKeys,
  identifier: z.string().optional(),
  description: z.string().default(''),
  columns: z.array(column).default([]),
  tests: z.array(dataTest).optional(),
  data_tests: z.array(dataTest).optional(),
})

const source = z.strictObject({
  name: z.string(),
  ...sourceKeys,
  schema: z.string().optional(),
  description: z.string().default(''),
  tables: z.array(sourceTable).default([]),
})

export const propertiesSchema = z.strictObject({
  version: z.literal(2).default(2),
  models: z.array(model).default([]),
  seeds: z.array(node).default([]),
  snapshots: z.array(snapshot).default([]),
  sources: z.array(source).default([]),
  analyses: z.array(node).default([]),
  unit_tests: z.array(unitTestSchema).default([]),
  exposures: z.array(exposure).default([]),
  groups: z.array(group).default([]),
  data_tests: z
    .array(
      z.strictObject({ name: z.string(), description: z.string().default(''), config: testConfigSchema.default({}) }),
    )
    .default([]),
})

export type NodeProperties = z.output<typeof node>
export type ModelProperties = z.output<typeof model>
export type SnapshotProperties = z.output<typeof snapshot>
export type ColumnProperties = z.output<typeof column>
export type SourceProperties = z.output<typeof source>
export type SourceTableProperties = z.output<typeof sourceTable>
export type DataTestEntry = z.output<typeof dataTest>
export type { TestConfig } from './tests/config.ts'
