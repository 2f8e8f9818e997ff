import type { Step } from '../pipeline/step.ts'
import type { TableSpec } from '../pipeline/table.ts'
import { hashOf } from './catalogue.ts'
import { FIELDS } from './fields.ts'

const FIELD_LIMITS: TableSpec = {
  schema: 'discovery',
  name: 'enrichment_fields',
  description: 'What enrichment can find out, of whom, and how long it stands.',
  columns: { field: 'VARCHAR', subject: 'VARCHAR', ttl_days: 'INTEGER' },
  key: ['field'],
  docs: {
    subject: 'company or contact',
    ttl_days: 'Days after which what is known is stale and asked for again.',
  },
}

/** Lets models tell what is stale. */
export const fieldLimits: Step = {
  name: 'enrichment_fields',
  kind: 'step',
  stage: 'discovery',
  file: 'ingest/field-limits.ts',
  description: 'Lists the fields of enrichment and how long each stands.',
  reads: [],
  builds: [FIELD_LIMITS],
  fingerprint: hashOf(FIELDS),
  async run({ buildRows }) {
    const rows = Object.entries(FIELDS).map(([field, { subject, ttl_days }]) => ({ field, subject, ttl_days }))
    await buildRows(FIELD_LIMITS, rows)
    return { rows: rows.length, text: `${rows.length} fields` }
  },
}
