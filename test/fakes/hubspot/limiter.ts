import type { Journal } from '../journal.ts'
import type { Answer } from '../server.ts'
import { correlationId, tooMany } from './answers.ts'

export interface Limits {
  /** Requests in any 10 s; Infinity: off. */
  max: number
  daily: number
  search_per_second: number
  /** More than that under way at once is a breach; nothing is refused for it. */
  concurrency: number
}

export const UNLIMITED: Limits = {
  max: Number.POSITIVE_INFINITY,
  daily: Number.POSITIVE_INFINITY,
  search_per_second: Number.POSITIVE_INFINITY,
  concurrency: Number.POSITIVE_INFINITY,
}

const WINDOW_MS = 10_000
const SECOND_MS = 1_000

/** Counts as HubSpot does, refuses as it does, and writes into the journal what the caller should not have done. */
export class Limiter {
  private starts: number[] = []
  private searches: number[] = []
  private day = ''
  private today = 0
  /** What the others of the account have used up of the day. */
  used_by_others = 0

  constructor(
    private limits: Limits,
    private readonly journal: Journal,
    private readonly now: () => number,
    private readonly time_zone: string,
  ) {}

  /** The refusal, or undefined when the request may go on. */
  take(isSearch: boolean, in_flight: number): Answer | undefined {
    const now = this.now()
    const breach = (rule: string, text: string) => this.journal.add({ kind: 'breach', rule, text })
    if (in_flight > this.limits.concurrency) breach('concurrency', `${in_flight} requests at once`)
    const day = new Intl.DateTimeFormat('en-CA', { timeZone: this.time_zone }).format(now)
    if (day !== this.day) {
      this.day = day
      this.today = 0
      this.used_by_others = 0
    }
    if (this.left() <= 0) {
      breach('daily', `request ${this.today + 1} of ${day}`)
      return tooMany('DAILY', 'You have reached your daily limit.')
    }
    this.today++
    if (isSearch) {
      this.searches = this.searches.filter((at) => at > now - SECOND_MS)
      if (this.searches.length >= this.limits.search_per_second) {
        breach('search_secondly', `${this.searches.length + 1} searches in a second`)
        const said = { status: 'error', message: 'You have reached your secondly limit.' }
        return { status: 429, body: { ...said, correlationId: correlationId(), category: 'RATE_LIMITS' } }
      }
      this.searches.push(now)
      return undefined
    }
    this.starts = this.starts.filter((at) => at > now - WINDOW_MS)
    if (this.starts.length >= this.limits.max) {
      breach('ten_secondly', `${this.starts.length + 1} requests in 10 s`)
      return tooMany('TEN_SECONDLY_ROLLING', 'You have reached your ten_secondly_rolling limit.')
    }
    this.starts.push(now)
    return undefined
  }

  /** From now on. */
  limit_searches(per_second: number): void {
    this.limits = { ...this.limits, search_per_second: per_second }
  }

  /** From now on. */
  limit_day(daily: number): void {
    this.limits = { ...this.limits, daily }
  }

  headers(isSearch: boolean): Record<string, string> {
    if (!Number.isFinite(this.limits.max)) return {}
    const daily: Record<string, string> = Number.isFinite(this.limits.daily)
      ? {
          'X-HubSpot-RateLimit-Daily': String(this.limits.daily),
          'X-HubSpot-RateLimit-Daily-Remaining': String(Math.max(0, this.left())),
        }
      : {}
    if (isSearch) return daily
    return {
      ...daily,
      'X-HubSpot-RateLimit-Interval-Milliseconds': String(WINDOW_MS),
      'X-HubSpot-RateLimit-Max': String(this.limits.max),
      'X-HubSpot-RateLimit-Remaining': String(Math.max(0, this.limits.max - this.starts.length)),
    }
  }

  private left(): number {
    return this.limits.daily - this.used_by_others - this.today
  }
}
