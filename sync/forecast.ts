import type { PlanPart, PlanWorld } from '../pipeline/plan-part.ts'
import { changesOf, countBadKeys } from './changes.ts'
import type { SwitchedOn } from './mapping.ts'

/** What `pipeline plan` says of the CRM: records and fields that would be written, against what the CRM held when it was last read. */
export function crmPlan(crms: readonly SwitchedOn[], marts: Iterable<string>): PlanPart {
  return {
    name: 'crm_fields',
    title: 'CRM fields to write',
    reads: [
      ...[...marts].map((mart) => `marts.${mart}`),
      'raw.crm__records',
      'raw.sync__outcomes',
      'raw.sync__links',
      'raw.sync__writes',
    ],
    tell: (world) => tell(world, crms),
  }
}

async function tell({ connection, live, signal }: PlanWorld, crms: readonly SwitchedOn[]) {
  const figures = { create: 0, update: 0, unchanged: 0, fields: 0, conflicts: 0, rejected: 0 }
  const records = []
  const fields = new Map<string, { creates: number; updates: number }>()
  for (const mapping of crms.flatMap(({ mappings }) => mappings)) {
    const { crm, object } = mapping
    const counts = { create: 0, update: 0, unchanged: 0 }
    const rejected = await countBadKeys(connection, mapping)
    for await (const changes of changesOf(connection, mapping)) {
      signal.throwIfAborted()
      for (const { diff, wanted } of changes) {
        if (wanted && diff.operation !== 'archive') counts[diff.operation] += 1
        figures.conflicts += diff.conflicts.length
        if (diff.operation === 'unchanged') continue
        for (const field of Object.keys(diff.fields)) {
          const key = [crm, object, field].join('\n')
          const known = fields.get(key) ?? { creates: 0, updates: 0 }
          known[diff.operation === 'create' ? 'creates' : 'updates'] += 1
          fields.set(key, known)
          figures.fields += 1
        }
      }
    }
    figures.create += counts.create
    figures.update += counts.update
    figures.unchanged += counts.unchanged
    figures.rejected += rejected
    records.push({ crm, object, ...counts, rejected })
  }
  const written = [...fields].map(([key, counts]) => {
    const [crm, object, field] = key.split('\n') as [string, string, string]
    return { crm, object, field, ...counts }
  })
  const acts = live.includes('sync') ? '' : '; none would be written: the target is not live for it'
  return {
    text: `${figures.fields} fields of ${figures.create} records to create and ${figures.update} to update, ${figures.unchanged} unchanged${acts}`,
    figures,
    tables: [
      { name: 'records', columns: ['crm', 'object', 'create', 'update', 'unchanged', 'rejected'], rows: records },
      { name: 'fields', columns: ['crm', 'object', 'field', 'creates', 'updates'], rows: written },
    ],
  }
}
