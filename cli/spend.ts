import { existsSync } from 'node:fs'
import { otherOrders } from '../ingest/spend.ts'
import { LedgerHeld, messageOf, ProjectError } from '../pipeline/errors.ts'
import type { Project } from '../pipeline/load.ts'
import type { Connection, Row } from '../pipeline/warehouse/duckdb.ts'
import { placesOf } from '../pipeline/warehouse/home.ts'
import { openPublished } from '../pipeline/warehouse/published-file.ts'
import { openSession } from '../pipeline/warehouse/session.ts'
import type { CommonOptions } from './options.ts'
import type { CommandSession } from './session.ts'
import { csvTable, textTable } from './table.ts'

export interface SpendOptions extends Omit<CommonOptions, 'output'> {
  output: CommonOptions['output'] | 'csv'
  month?: string
}

const COLUMNS = ['month', 'provider', 'endpoint', 'field', 'calls', 'hits', 'broken_off', 'credits', 'usd']

/** What was spent in a calendar month (UTC), from the ledger itself: every call, also those that broke off, to hold against an invoice. */
export async function reportSpend({ report, load }: CommandSession, options: SpendOptions, now: Date): Promise<number> {
  const project = await load()
  const month = options.month ?? now.toISOString().slice(0, 7)
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month))
    throw new ProjectError([{ file: '--month', message: `'${month}' is not a month such as 2026-01` }])
  const rows = await overLedger(project, (connection) => connection.rows(SPENT, [month]))
  const caps = capsOf(project, rows)
  const orders = await overLedger(project, otherOrders)
  const qualified = await qualifiedLeads(project)
  if (options.output === 'json')
    report.json({ month, spend: rows, caps, qualified_leads: qualified, other_orders: orders })
  else if (options.output === 'csv') report.out(csvTable(rows, COLUMNS))
  else {
    if (rows.length > 0) report.out(textTable(rows, COLUMNS, options.output))
    if (caps.length > 0) report.out(`\n${textTable(caps, ['cap', 'limit', 'spent'], options.output)}`)
    if (orders.length > 0)
      report.out(
        `\nother orders, on what was logged\n${textTable(orders, ['field', 'order', 'usd', 'usd_spent'], options.output)}`,
      )
  }
  const usd = sum(rows, 'usd')
  const each =
    qualified > 0 && usd > 0 ? `, ${(usd / qualified).toFixed(2)} USD for each of ${qualified} qualified leads` : ''
  report.line(`${month}: ${sum(rows, 'calls')} calls, ${usd.toFixed(2)} USD${each}`)
  return 0
}

/** Leads that are qualified now, as last published; 0 where nothing was. */
async function qualifiedLeads(project: Project): Promise<number> {
  const published = await openPublished(placesOf(project.root, project.config.target).warehouse)
  if (published === undefined) return 0
  try {
    const [found] = await published.connection.rows<{ leads: number }>(
      `select count(*) as leads from marts.fct_scored_leads where qualification_status = 'qualified'`,
    )
    return found!.leads
  } finally {
    published.close()
  }
}

/** Ids and names in a path are of no interest to an invoice. */
const SPENT = `
  select
      strftime(requested_at, '%Y-%m') as month,
      service as provider,
      regexp_replace(endpoint, '/[^/]*([0-9][^/]{5,}|[.-][^/]*[0-9]|[.][^/]+)', '/…', 'g') as endpoint,
      coalesce(field, '') as field,
      count(*) as calls,
      count(*) filter (where hit) as hits,
      count(*) filter (where status is null) as broken_off,
      cast(sum(credits) as varchar) as credits,
      cast(sum(usd) as varchar) as usd
  from _ledger.log.calls
  where strftime(requested_at, '%Y-%m') = $1
  group by all
  order by all`

/** Each cap of the budget that counts by the month, and how much of it this month has used. */
function capsOf({ config }: Project, rows: readonly Row[]): Row[] {
  const { usd_per_month, providers } = config.data.budget
  const caps: Row[] =
    usd_per_month === undefined
      ? []
      : [{ cap: 'usd_per_month', limit: usd_per_month, spent: Number(sum(rows, 'usd').toFixed(6)) }]
  for (const [name, { credits_per_month }] of Object.entries(providers)) {
    if (credits_per_month === undefined) continue
    const own = rows.filter(({ provider }) => provider === name)
    caps.push({
      cap: `${name}.credits_per_month`,
      limit: credits_per_month,
      spent: Number(sum(own, 'credits').toFixed(4)),
    })
  }
  return caps
}

function sum(rows: readonly Row[], column: string): number {
  return rows.reduce((total, row) => total + Number(row[column]), 0)
}

async function overLedger(project: Project, read: (connection: Connection) => Promise<Row[]>): Promise<Row[]> {
  const { ledger } = placesOf(project.root, project.config.target)
  if (!existsSync(ledger)) return []
  const session = await openSession({ ledger, ledger_read_only: true, as_of: '2000-01-01' }).catch((error: unknown) => {
    const message = messageOf(error)
    throw /lock/i.test(message) ? new LedgerHeld(`a run holds the ledger\n  ${message}`) : error
  })
  return read(session.connection).finally(() => session.close())
}
