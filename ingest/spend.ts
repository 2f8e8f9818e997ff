import type { Connection, Row } from '../pipeline/warehouse/duckdb.ts'
import { costOfOrder, ordersOf } from './waterfall/counterfactual.ts'

interface LoggedAnswer {
  field: string
  subject_id: string
  provider: string
  valid: boolean
  cost: number
}

/** More providers than that have too many orders to be worth telling. */
const MOST_PROVIDERS = 6

const LOGGED = `
  select asked.field, asked.subject_id, asked.provider, coalesce(asked.valid, asked.hit) as valid,
    coalesce(calls.usd::double, 0) / greatest(coalesce(asked.subjects_of_call, 1), 1) as cost
  from _ledger.raw.enrichment__asked as asked
  left join _ledger.log.calls as calls on calls.call_id = asked.call_id
  where asked.field in (
    select paid.field from _ledger.raw.enrichment__asked as paid
    join _ledger.log.calls as bill on bill.call_id = paid.call_id where bill.usd > 0)
  qualify row_number() over (
    partition by asked.field, asked.subject_id, asked.provider order by asked.asked_on desc, asked._load desc) = 1
  order by asked.field, asked.subject_id, asked.provider`

/** For each field that money went into: what its order really cost, and what every other would have, on what was logged. */
export async function otherOrders(connection: Connection): Promise<Row[]> {
  const there = await connection.rows(
    `select 1 from duckdb_tables() where database_name = '_ledger' and table_name = 'enrichment__asked'`,
  )
  if (there.length === 0) return []
  const answers = await connection.rows<LoggedAnswer>(LOGGED)
  return [...new Set(answers.map(({ field }) => field))].flatMap((field) => {
    const own = answers.filter((answer) => answer.field === field)
    const providers = [...new Set(own.map(({ provider }) => provider))].sort()
    if (providers.length < 2 || providers.length > MOST_PROVIDERS) return []
    const subjects = new Map<string, Map<string, LoggedAnswer>>()
    for (const answer of own) {
      const known = subjects.get(answer.subject_id) ?? new Map<string, LoggedAnswer>()
      subjects.set(answer.subject_id, known.set(answer.provider, answer))
    }
    const expected = new Map(
      providers.map((provider) => {
        const said = own.filter((answer) => answer.provider === provider)
        const cost = said.reduce((sum, answer) => sum + answer.cost, 0) / said.length
        return [provider, { chance: said.filter(({ valid }) => valid).length / said.length, cost }] as const
      }),
    )
    const spent = own.reduce((sum, { cost }) => sum + cost, 0)
    return ordersOf(providers)
      .map((order) => ({
        field,
        order: order.join(', '),
        usd: round([...subjects.values()].reduce((sum, logged) => sum + costOfOrder(order, logged, expected), 0)),
        usd_spent: round(spent),
      }))
      .sort((a, b) => a.usd - b.usd || (a.order < b.order ? -1 : 1))
  })
}

function round(usd: number): number {
  return Math.round(usd * 1e4) / 1e4
}
