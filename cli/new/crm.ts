import { type NewFiles, titleOf } from './files.ts'

/** A CRM that keeps its records in memory until its calls are written, a mapping of companies to it, and what its tests need. */
export function newCrm(name: string): NewFiles {
  return {
    files: [
      { path: `sync/crms/${name}.ts`, text: crm(name), code: true },
      { path: `sync/mappings/${name}/companies.yml`, text: mapping(name) },
      { path: `test/fixtures/crms/${name}.ts`, text: fixture(name), code: true },
    ],
    next: [
      `npx vitest run test/contract/crm.test.ts -t ${name}    passes as it is; keep it so while you make it the vendor's`,
      `sync/crms/${name}.ts    settings, and calls over context.http in place of files`,
      `test/fixtures/crms/${name}.ts    the vendor's server played on this machine in place of the folder`,
      `sync/mappings/${name}/    one file per object: which column goes where, and who may write it`,
      `pipeline.yaml    sync: { crms: { ${name}: {} } } switches it on`,
    ],
  }
}

const crm = (name: string) => `import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import {
  type CrmContext,
  CrmError,
  type CrmRecord,
  type CrmRow,
  type CrmSession,
  defineCrm,
  type Outcome,
} from '../define.ts'

const settings = z.strictObject({
  /** Folder of the records, relative to the project: what stands in for the CRM until its calls are written. */
  path: z.string().min(1).default('data/${name}'),
})

const shape = z.object({ crm_id: z.string(), record_id: z.string().nullable(), fields: z.record(z.string(), z.json()) })

export default defineCrm({
  title: '${titleOf(name)}',
  docs: 'https://example.com/docs/${name}',
  settings,
  objects: {
    companies: {
      kind: 'company',
      reserved: ['id', 'lead_engine_id'],
      keyed: true,
      links: {},
      finds: { domain: 'domain' },
      pull: 'whole',
      own: [],
    },
  },
  batch: 100,
  clock: 'as_of',
  account: () => null,
  connect,
})

function connect({ root, settings: { path } }: CrmContext<z.output<typeof settings>>): CrmSession {
  const fileOf = (object: string) => join(resolve(root, path), \`\${object}.json\`)
  const remove = (object: string, ids: readonly string[]): Outcome[] => {
    const records = read(fileOf(object))
    write(
      fileOf(object),
      records.filter(({ crm_id }) => !ids.includes(crm_id)),
    )
    const there = new Set(records.map(({ crm_id }) => crm_id))
    return ids.map((crm_id) => ({ status: there.has(crm_id) ? 'done' : 'gone', crm_id }))
  }
  return {
    identity: async () => ({ account: null, name: '${titleOf(name)}', time_zone: null }),
    describe: async () => ({ properties: null, pipelines: [] }),
    create: async () => {},
    owners: async () => [],
    async find(object, wanted) {
      const records = read(fileOf(object))
      const isOne = ({ fields }: CrmRecord, domain: string | null) => domain !== null && fields.domain === domain
      return wanted.map(({ domain }) => records.filter((record) => record.record_id === null && isOne(record, domain)))
    },
    async read(object, crm_ids) {
      const records = new Map(read(fileOf(object)).map((record) => [record.crm_id, record]))
      return crm_ids.map((crm_id) => records.get(crm_id) ?? null)
    },
    async *pull(object) {
      yield read(fileOf(object))
    },
    async upsert(object, rows) {
      const records = read(fileOf(object))
      const outcomes = rows.map((row): Outcome => ({ status: 'done', crm_id: merge(records, row).crm_id }))
      if (rows.length > 0) write(fileOf(object), records)
      return outcomes
    },
    link: async (_from, _to, pairs) => pairs.map(({ from_id }) => ({ status: 'done', crm_id: from_id })),
    archive: async (object, crm_ids) => remove(object, crm_ids),
    erase: async (object, crm_ids) => remove(object, crm_ids),
  }
}

/** Writes the fields given, on the record that bears our id or the CRM's; else on a new one. Null empties. */
function merge(records: CrmRecord[], { record_id, crm_id, fields }: CrmRow): CrmRecord {
  const known =
    records.find((record) => record.record_id === record_id) ?? records.find((record) => record.crm_id === crm_id)
  const record = known ?? { crm_id: record_id, record_id, fields: {}, modified_at: null }
  if (known === undefined) records.push(record)
  record.record_id = record_id
  const kept = Object.entries({ ...record.fields, ...fields }).filter(([, value]) => value !== null)
  record.fields = Object.fromEntries(kept)
  return record
}

function read(file: string): CrmRecord[] {
  if (!existsSync(file)) return []
  try {
    const records = z.array(shape).parse(JSON.parse(readFileSync(file, 'utf8')))
    return records.map((record) => ({ ...record, fields: record.fields as CrmRecord['fields'], modified_at: null }))
  } catch {
    throw new CrmError(\`\${file} cannot be read\`)
  }
}

/** Whole or not at all. */
function write(file: string, records: readonly CrmRecord[]): void {
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
match: { domain: domain }

# Who may write a field once the record exists: always, if_empty, on_create, never. Unknown (NULL) never overwrites.
fields:
  name: { to: name, write: if_empty }
  domain: { to: domain, write: if_empty }
  industry: { to: industry, write: if_empty }
  employee_count: { to: employee_count, write: if_empty }
`

const fixture = (name: string) => `import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Fields } from '../../../sync/records.ts'
import type { CrmStandIn } from '../../helpers/crm-scene.ts'

interface Kept {
  crm_id: string
  record_id: string | null
  fields: Fields
}

function change(root: string, object: string, to: (records: Kept[]) => Kept[]): void {
  const path = join(root, '${name}', \`\${object}.json\`)
  mkdirSync(dirname(path), { recursive: true })
  const records = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Kept[]) : []
  writeFileSync(path, JSON.stringify(to(records)))
}

/** A folder of its own. */
export async function open(): Promise<CrmStandIn> {
  return {
    settings: () => ({ path: '${name}' }),
    wrong_key: null,
    wrong_account: null,
    objects: {
      companies: {
        fields: (n) => ({ name: \`Company \${n}\`, domain: \`company\${n}.example\` }),
        text: 'name',
        other: 'city',
        refused: null,
        parents: [],
      },
    },
    owners: [],
    people: {
      async make(root, object, fields) {
        const crm_id = \`by_hand_\${String(fields.name)}\`
        change(root, object, (records) => [...records, { crm_id, record_id: null, fields }])
        return crm_id
      },
      edit: async (root, object, crm_id, fields) =>
        change(root, object, (records) =>
          records.map((kept) => (kept.crm_id === crm_id ? { ...kept, fields: { ...kept.fields, ...fields } } : kept)),
        ),
      remove: async (root, object, crm_id) =>
        change(root, object, (records) => records.filter((kept) => kept.crm_id !== crm_id)),
      merge: null,
    },
    writes: () => null,
    settle: async () => {},
    close: async () => {},
  }
}
`
