import { messageOf, ProjectError } from '../pipeline/errors.ts'
import type { StepContext, StepSummary } from '../pipeline/step.ts'
import { quoteLiteral } from '../pipeline/table.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import type { Settings } from './settings.ts'
import { OWNERS } from './tables.ts'

type Owners = Settings['owners']

/**
 * Companies with a lead that is not disqualified, that nobody owns yet: neither somebody in the CRM nor whom we gave it to.
 * Territories first, then turn by turn, going on where the last run stopped. What was given stays given.
 */
export async function assignOwners(context: StepContext, owners: Owners): Promise<StepSummary> {
  const { connection } = context
  await bindOwners(connection, owners)
  const rows = await connection.rows<{ company_id: string; territory: string | null }>(unownedSql(owners))
  const [last] = await connection.rows<{ given: number }>(
    `select count(*) as given from raw.sync__owners where because = 'round_robin'`,
  )
  let turn = last!.given
  const given = rows.flatMap(({ company_id, territory }) => {
    if (territory !== null) return [{ company_id, owner: territory, because: 'territory' }]
    if (owners.rotate.length === 0) return []
    return [{ company_id, owner: owners.rotate[turn++ % owners.rotate.length]!, because: 'round_robin' }]
  })
  if (given.length > 0) await context.record(OWNERS, [given])
  return { rows: given.length, text: `${given.length} companies given to somebody`, counts: { given: given.length } }
}

/** Throws ProjectError for a condition that does not work. */
export async function bindOwners(connection: Connection, { territories }: Owners): Promise<void> {
  const problems = []
  for (const { where } of territories) {
    try {
      const [condition] = await connection.describe(`select (\n${where}\n) as condition from marts.dim_companies`)
      if (condition?.type === 'BOOLEAN') continue
      problems.push({
        file: 'pipeline.yaml',
        message: `sync.owners: '${where}' is ${condition?.type ?? 'nothing'}, not BOOLEAN`,
      })
    } catch (error) {
      const hint = 'It is SQL over the columns of dim_companies.'
      problems.push({
        file: 'pipeline.yaml',
        message: `sync.owners: '${where}' does not work: ${messageOf(error)}`,
        hint,
      })
    }
  }
  if (problems.length > 0) throw new ProjectError(problems)
}

function unownedSql({ territories }: Owners): string {
  const cases = territories.map(({ where, owner }) => `when (\n${where}\n) then ${quoteLiteral(owner)}`)
  return `
    with led as (
      select distinct company_id from marts.fct_scored_leads where qualification_status <> 'disqualified'
    ),
    owned as (
      select company_id from intermediate.int_crm_records_resolved
      where kind = 'company' and company_id is not null and not is_gone and (facts ->> '$.owner') is not null
      union
      select company_id from raw.sync__owners
    )
    select company_id, ${cases.length === 0 ? 'null::varchar' : `case ${cases.join(' ')} end`} as territory
    from marts.dim_companies
    semi join led using (company_id)
    anti join owned using (company_id)
    order by company_id`
}
