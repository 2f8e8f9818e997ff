import type { EngineConfig } from './config.ts'
import { signal } from './signal.ts'
import type { Connection } from './warehouse/duckdb.ts'

/** What may be spent. Asked right before each paid call, answered at once, so that no two calls take the same room. */
export interface Budget {
  /** Price of a credit as `budget.providers.<name>.usd_per_credit` says; goes before what the plug-in says. */
  priceOf(service: string): number | undefined
  /** Sets aside what a call can cost at most, or says why it may not be made. */
  reserve(service: string, credits: number, usd: number): Reserved | Refused
}

export interface Reserved {
  /** What it really cost; the rest is free for others. */
  settle(credits: number, usd: number): void
}

export interface Refused {
  reason: 'budget' | 'paused'
  because: string
  /** What is set aside for calls under way leaves no room, what is spent would: resolves when one of them is settled. */
  settled?: Promise<void>
}

/** Buys nothing: for what must not spend. */
export const NO_BUDGET: Budget = {
  priceOf: () => undefined,
  reserve: () => ({ reason: 'budget', because: 'no budget is set' }),
}

/** Spent so far: `month` is a calendar month, UTC: `2026-01`. */
export interface Spent {
  month: string
  service: string
  credits: string
  usd: string
}

/** What the ledger holds of money: every paid call ever made, also those that broke off. */
export async function readSpent(connection: Connection): Promise<Spent[]> {
  return connection.rows<Spent>(`
    select
        strftime(requested_at, '%Y-%m') as month,
        service,
        cast(sum(credits) as varchar) as credits,
        cast(sum(usd) as varchar) as usd
    from _ledger.log.calls
    where credits > 0 or usd > 0
    group by all
    order by all`)
}

/** Amounts are counted in whole millionths, so that no sum depends on its order. */
const UNIT = 1_000_000

function unitsOf(amount: number | string): number {
  return Math.round(Number(amount) * UNIT)
}

/** The least number of units that is not below the amount: what is set aside is never less than what is asked for. */
function unitsUp(amount: number): number {
  return Math.ceil(Number((amount * UNIT).toFixed(3)))
}

export interface BudgetOptions {
  limits: EngineConfig['budget']
  spent: readonly Spent[]
  now(): Date
  /** Why spending is paused; undefined when it is not. Asked before each paid call. */
  paused?(service: string): string | undefined
}

/**
 * The caps of `pipeline.yaml` over all that is paid. A call is allowed if everything spent in its calendar month (and in
 * this run), everything set aside, and the most it can cost itself stay within every cap. Without a cap nothing is allowed.
 */
export function createBudget({ limits, spent, now, paused }: BudgetOptions): Budget {
  const usd = new Map<string, number>()
  const credits = new Map<string, number>()
  const add = (sums: Map<string, number>, key: string, units: number) => sums.set(key, (sums.get(key) ?? 0) + units)
  for (const { month, service, ...sums } of spent) {
    add(usd, month, unitsOf(sums.usd))
    add(credits, `${month} ${service}`, unitsOf(sums.credits))
  }
  let run = 0
  /** Set aside for calls that are under way. */
  const open = { calls: 0, usd: 0, credits: new Map<string, number>() }
  let next = signal()

  return {
    priceOf: (service) => limits.providers[service]?.usd_per_credit,
    reserve(service, wanted, price) {
      const because = paused?.(service)
      if (because !== undefined) return { reason: 'paused', because }
      const month = now().toISOString().slice(0, 7)
      const own = `${month} ${service}`
      const [units, cents] = [unitsUp(wanted), unitsUp(price)]
      const { credits_per_month } = limits.providers[service] ?? {}
      const aside = open.credits.get(own) ?? 0
      const caps: [string, number | undefined, number, number, number][] = [
        ['budget.usd_per_run', limits.usd_per_run, run, cents, open.usd],
        ['budget.usd_per_month', limits.usd_per_month, usd.get(month) ?? 0, cents, open.usd],
        [`budget.providers.${service}.credits_per_month`, credits_per_month, credits.get(own) ?? 0, units, aside],
      ]
      if (caps.every(([, cap]) => cap === undefined)) return { reason: 'budget', because: 'no budget is set' }
      const full = caps.filter(([, cap, used, more]) => cap !== undefined && used + more > unitsOf(cap))
      if (full.length > 0) {
        const [name, cap, used, , held] = full[0]!
        const mayFit = full.every(([, limit, all, more, reserved]) => all - reserved + more <= unitsOf(limit!))
        const because = `${name} is ${cap}, and ${(used - held) / UNIT} of it is spent`
        return { reason: 'budget', because, ...(mayFit && open.calls > 0 ? { settled: next.given } : {}) }
      }
      const book = (sign: 1 | -1, credited: number, paid: number) => {
        run += sign * paid
        add(usd, month, sign * paid)
        add(credits, own, sign * credited)
      }
      const hold = (sign: 1 | -1) => {
        open.calls += sign
        open.usd += sign * cents
        add(open.credits, own, sign * units)
      }
      book(1, units, cents)
      hold(1)
      let settled = false
      return {
        settle(real, paid) {
          if (settled) return
          settled = true
          hold(-1)
          book(-1, units, cents)
          book(1, unitsUp(real), unitsUp(paid))
          next.give()
          next = signal()
        },
      }
    },
  }
}
