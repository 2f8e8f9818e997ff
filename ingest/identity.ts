import type { LedgerTable, Step, StepContext } from '../pipeline/step.ts'
import { quoteLiteral } from '../pipeline/table.ts'

export const ALIASES: LedgerTable = {
  source: 'identity',
  table: 'aliases',
  description: 'Under which id each record of each source is known, and since when. An id once given is kept.',
  columns: { entity: 'VARCHAR', alias_source: 'VARCHAR', alias_key: 'VARCHAR', id: 'VARCHAR', since: 'TIMESTAMP' },
  key: ['entity', 'alias_source', 'alias_key'],
  docs: { entity: 'company or contact', id: 'company_id or contact_id; of a merge, the older one.' },
  write: 'merge',
  visible: 'next_run',
  about: { source: 'alias_source', record: 'alias_key', brings: ['id'] },
}

interface Alias {
  entity: string
  alias_source: string
  alias_key: string
  id: string
  since: string
}

const PAGE = 50_000

export const identity: Step = {
  name: 'identity',
  kind: 'step',
  stage: 'discovery',
  file: 'ingest/identity.ts',
  description: 'Remembers the id of every company and person record, so that ids outlive the warehouse.',
  reads: ['int_companies_identified', 'int_contacts_identified'],
  records: [ALIASES],
  fingerprint: 'aliases 1',
  async bind(connection) {
    for await (const aliases of newAliases({ connection })) if (aliases.length > 0) return
  },
  async run(context) {
    let fresh = 0
    for await (const aliases of newAliases(context)) fresh += (await context.record(ALIASES, [aliases])).appended
    return { rows: fresh, text: `${fresh} records known under a new id` }
  },
}

/** Records that the ledger does not know yet, or knows by an id that has been merged into another. Page by page. */
async function* newAliases({
  connection,
  signal,
}: Pick<StepContext, 'connection'> & { signal?: AbortSignal }): AsyncGenerator<Alias[]> {
  let after = ''
  for (let page = PAGE; page === PAGE; ) {
    signal?.throwIfAborted()
    const aliases = await connection.rows<Alias>(`
      with identified as (
          select 'company' as entity, source as alias_source, source_key as alias_key, company_id as id, since
          from intermediate.int_companies_identified
          union all
          select 'contact', source, source_key, contact_id, since
          from intermediate.int_contacts_identified
      )
      select identified.*
      from identified
      anti join raw.identity__aliases as known using (entity, alias_source, alias_key, id)
      ${after}
      order by entity, alias_source, alias_key
      limit ${PAGE}`)
    if (aliases.length > 0) yield aliases
    page = aliases.length
    const last = aliases.at(-1)
    if (last === undefined) return
    const values = [last.entity, last.alias_source, last.alias_key].map(quoteLiteral).join(', ')
    after = `where (entity, alias_source, alias_key) > (${values})`
  }
}
