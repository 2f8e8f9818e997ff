import tldts from 'tldts/package.json' with { type: 'json' }
import type { Step } from '../pipeline/step.ts'
import type { TableSpec } from '../pipeline/table.ts'

const REGISTRABLE_DOMAINS: TableSpec = {
  schema: 'discovery',
  name: 'registrable_domains',
  description: 'The registrable domain of every host that a company or e-mail address was seen with.',
  columns: { host: 'VARCHAR', registrable_domain: 'VARCHAR' },
  key: ['host'],
  docs: {
    host: 'Lower case, as in the records.',
    registrable_domain:
      'By the Public Suffix List, its private part included (a shop on a shared platform is its own); NULL for a bare suffix, an address or nonsense.',
  },
}

export const registrableDomains: Step = {
  name: 'registrable_domains',
  kind: 'step',
  stage: 'discovery',
  file: 'ingest/domains.ts',
  description: 'Cuts hosts down to the domain that somebody registered.',
  reads: ['int_company_records', 'int_contact_records'],
  builds: [REGISTRABLE_DOMAINS],
  fingerprint: `${tldts.name} ${tldts.version}`,
  async run({ db, buildRows }) {
    const { registrableDomain } = await import('./registrable-domain.ts')
    const mailHosts = (records: 'int_company_records' | 'int_contact_records') =>
      db.selectFrom(`intermediate.${records}`).select('email_host as host').where('email_host', 'is not', null)
    const hosts = await db
      .selectFrom('intermediate.int_company_records')
      .select('host')
      .where('host', 'is not', null)
      .union(mailHosts('int_company_records'))
      .union(mailHosts('int_contact_records'))
      .orderBy('host')
      .$narrowType<{ host: string }>()
      .execute()
    const rows = hosts.map(({ host }) => ({ host, registrable_domain: registrableDomain(host) }))
    await buildRows(REGISTRABLE_DOMAINS, rows)
    const domains = new Set(rows.flatMap(({ registrable_domain }) => registrable_domain ?? []))
    return { rows: rows.length, text: `${rows.length} hosts, ${domains.size} registrable domains` }
  },
}
