import { type NewFiles, titleOf } from './files.ts'

/** A CRM that keeps its records in files until its calls are written, and a mapping of companies to it. */
export function newCrm(name: string): NewFiles {
  return {
    files: [
      { path: `sync/crms/${name}.ts`, text: crm(name), code: true },
      { path: `sync/mappings/${name}/companies.yml`, text: mapping(name) },
    ],
    next: [
      `npx vitest run test/contract/crm.test.ts -t ${name}    passes as it is; keep it so while you make it the vendor's`,
      `sync/crms/${name}.ts    settings, and read and write by calls over http in place of files`,
      `sync/mappings/${name}/    one file per object: which column goes where, and who may write it`,
      `pipeline.yaml    sync: { crms: { ${name}: {} } } switches it on`,
    ],
  }
}

const crm = (name: string) => `import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { type CrmContext, CrmError, type CrmRecord, type CrmRow, defineCrm } from '../define.ts'

const settings = z.strictObject({
  /** Folder of the records, relative to the project: what stands in for the CRM until its calls are written. */
  path: z.string().min(1).default('data/${name}'),
})

const shape = z.object({ crm_id: z.string(), record_id: z.string().nullable(), fields: z.record(z.string(), z.json()) })

export default defineCrm({
  title: '${titleOf(name)}',
  docs: 'https://example.com/docs/${name}',
  settings,
  objects: ['companies'],
  reserved: ['id', 'lead_engine_id'],
  batch: 100,
  clock: 'as_of',
  async check(context) {
    return \`\${read(context, 'companies').length} companies\`
  },
  async *pull(context, object) {
    yield read(context, object)
  },
  async upsert(context, object, rows) {
    const records = read(context, object)
    const outcomes = rows.map((row) => {
      const { crm_id } = merge(records, row)
      return { crm_id, status: 'synced' as const, error: null }
    })
    if (rows.length > 0) write(context, object, records)
    return outcomes
  },
})

type Context = CrmContext<z.output<typeof settings>>

/** Writes the fields given, on the record that bears our id or the CRM's; else on a new one. */
function merge(records: CrmRecord[], { record_id, crm_id, fields }: CrmRow): CrmRecord {
  const known =
    records.find((record) => record.record_id === record_id) ?? records.find((record) => record.crm_id === crm_id)
  const record = known ?? { crm_id: record_id, record_id, fields: {}, modified_at: null }
  if (known === undefined) records.push(record)
  record.record_id = record_id
  record.fields = { ...record.fields, ...fields }
  return record
}

function fileOf({ root, settings: { path } }: Context, object: string): string {
  return join(resolve(root, path), \`\${object}.json\`)
}

function read(context: Context, object: string): CrmRecord[] {
  const file = fileOf(context, object)
  if (!existsSync(file)) return []
  try {
    const records = z.array(shape).parse(JSON.parse(readFileSync(file, 'utf8')))
    return records.map((record) => ({ ...record, modified_at: null }))
  } catch {
    throw new CrmError(\`\${file} cannot be read\`)
  }
}

/** Whole or not at all. */
function write(context: Context, object: string, records: readonly CrmRecord[]): void {
  const file = fileOf(context, object)
  mkdirSync(dirname(file), { recursive: true })
  const lines = records.map(({ crm_id, record_id, fields }) => ({ crm_id, record_id, fields }))
  writeFileSync(\`\${file}.tmp\`, JSON.stringify(lines, null, 2))
  renameSync(\`\${file}.tmp\`, file)
}
`

const mapping = (name: string) => `# yaml-language-server: $schema=../../../docs/schemas/mapping.json
description: Companies with a lead that is not disqualified, for ${titleOf(name)}.

from: dim_companies
key: company_id
where: company_id in (select fct_scored_leads.company_id from marts.fct_scored_leads where qualification_status <> 'disqualified')

# Who may write a field once the record exists: always, if_empty, on_create, never. Unknown (NULL) never overwrites.
fields:
  name: { to: name, write: if_empty }
  domain: { to: domain, write: if_empty }
  industry: { to: industry, write: if_empty }
  employee_count: { to: employee_count, write: if_empty }
`
