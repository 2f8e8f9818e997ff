import type { NotifySettings } from './settings.ts'

/** What is known at one moment, of what may need a person. Names and counts; of people nothing. */
export interface Facts {
  now: Date
  /** The last call that built, as it left its results; `ended_at` null: it broke off. */
  last_run: { call: string; ended_at: string | null; failed: string[] } | null
  /** When anything was last published. */
  published_at: string | null
  /** Rows of what a run made, now and the fewest and latest counts of before. */
  tables: { name: string; rows: number; fewest_before: number; times_before: number }[]
  rejected: { rows: number; of: number } | null
  /** Services whose latest answer was 401 or 403. */
  keys_refused: string[]
  budgets: { name: string; spent: number; limit: number }[]
  mailboxes_paused: string[]
  in_doubt: string[]
  /** When the oldest message that waits for approval was planned, and how many wait too long. */
  approvals: { waiting: number; oldest: string | null }
  interested: { reply_id: string; lead_id: string | null; company: string | null; owner: string | null }[]
}

/** Something that needs a person. Told once while it lasts; `key` is the same as long as it is the same. */
export interface Incident {
  key: string
  /** One line, for people. Only the company of a reply comes from outside. */
  text: string
  /** Path of the page that shows it. */
  path: string
  /** Told to this owner, where they are known. */
  owner?: string
}

/** How many times a table had rows before none is strange. */
const ALWAYS = 3
const HOUR_MS = 3_600_000

/** Pure: what stands in `facts`, by the bounds of the settings. */
export function incidentsOf(facts: Facts, settings: NotifySettings): Incident[] {
  return [...runs(facts, settings), ...data(facts, settings), ...outreach(facts, settings)]
}

function runs({ now, last_run, published_at }: Facts, { run_every_hours }: NotifySettings): Incident[] {
  const incidents: Incident[] = []
  const path = '/pipeline'
  if (last_run !== null && last_run.ended_at === null)
    incidents.push({ key: 'run_failed', text: `A run broke off before its end: ${last_run.call}`, path })
  else if (last_run !== null && last_run.failed.length > 0) {
    const few = last_run.failed.slice(0, 5).join(', ')
    const more = last_run.failed.length > 5 ? ` and ${last_run.failed.length - 5} more` : ''
    incidents.push({ key: 'run_failed', text: `The last run failed: ${few}${more} (${last_run.call})`, path })
  }
  const last = [last_run?.ended_at, published_at]
    .filter((at) => at !== null && at !== undefined)
    .sort()
    .at(-1)
  if (last !== undefined && now.getTime() - Date.parse(last) > run_every_hours * HOUR_MS)
    incidents.push({
      key: 'run_missing',
      text: `No run has ended since ${minute(last)} (one is expected every ${run_every_hours} h)`,
      path,
    })
  return incidents
}

function data({ tables, rejected, keys_refused, budgets }: Facts, settings: NotifySettings): Incident[] {
  const incidents: Incident[] = []
  const path = '/pipeline'
  for (const { name, rows, fewest_before, times_before } of tables)
    if (rows === 0 && fewest_before > 0 && times_before >= ALWAYS)
      incidents.push({
        key: `no_rows:${name}`,
        text: `${name} has no rows, where there were always some (${fewest_before} at least)`,
        path,
      })
  if (rejected !== null && rejected.of > 0 && rejected.rows / rejected.of > settings.rejected_share) {
    const share = `${((100 * rejected.rows) / rejected.of).toFixed(1)} %`
    incidents.push({
      key: 'rejected',
      text: `${rejected.rows} of ${rejected.of} rows of the last run could not be read (${share})`,
      path,
    })
  }
  for (const name of keys_refused)
    incidents.push({
      key: `key_refused:${name}`,
      text: `${name} refuses our key: nothing comes from there until it is renewed`,
      path,
    })
  for (const { name, spent, limit } of budgets)
    if (limit > 0 && spent >= limit * settings.budget_share)
      incidents.push({
        key: `budget:${name}`,
        text: `${name}: ${spent} of ${limit} are spent (${Math.floor((100 * spent) / limit)} %)`,
        path: '/',
      })
  return incidents
}

function outreach(facts: Facts, { approvals_hours }: NotifySettings): Incident[] {
  const incidents: Incident[] = []
  for (const mailbox of facts.mailboxes_paused)
    incidents.push({
      key: `mailbox_paused:${mailbox}`,
      text: `Nothing leaves from ${mailbox}: it is paused`,
      path: '/outreach',
    })
  for (const event_id of facts.in_doubt)
    incidents.push({
      key: `in_doubt:${event_id}`,
      text: `Nobody can tell whether message ${event_id} left`,
      path: '/review',
    })
  const { waiting, oldest } = facts.approvals
  if (oldest !== null && facts.now.getTime() - Date.parse(oldest) > approvals_hours * HOUR_MS)
    incidents.push({
      key: 'approvals',
      text: `${waiting} messages have waited for approval longer than ${approvals_hours} h`,
      path: '/outreach',
    })
  for (const { reply_id, lead_id, company, owner } of facts.interested)
    incidents.push({
      key: `interested:${reply_id}`,
      text: `An interested reply came${company === null ? '' : ` from ${company}`}: it waits in the mailbox for an answer`,
      path: lead_id === null ? '/outreach' : `/leads/${encodeURIComponent(lead_id)}`,
      ...(owner === null ? {} : { owner }),
    })
  return incidents
}

function minute(at: string): string {
  return `${at.slice(0, 16).replace('T', ' ')} UTC`
}
