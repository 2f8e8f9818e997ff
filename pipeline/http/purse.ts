import type { HttpDeps, HttpOptions, HttpRequest } from '../http.ts'
import { NotBought } from './refused.ts'
import type { Prepared } from './request.ts'
import type { Wording } from './wording.ts'

/** One call's money. */
export interface Purchase {
  /** Throws NotBought when the call may not be made, so that nobody waits in line for that. */
  check(): void
  /** Sets aside what the call can cost at most. Throws NotBought when it may not be made. To be called right before it. */
  reserve(): Promise<Reserved>
}

export interface Reserved {
  credits: number
  usd: number
  /** What it cost in the end, in credits; answers what goes into the request log. */
  settle(credits: number): { credits: number; usd: number }
}

/** Whether a call may be paid for: the target is live for it, it has a price, no pause, room in the budget. */
export function createPurse(options: HttpOptions, deps: HttpDeps, wording: Wording) {
  const { service } = options
  const usd_per_credit = deps.budget.priceOf(service) ?? options.usd_per_credit
  const costs = (credits: number) => ({ credits, usd: credits * (usd_per_credit ?? 0) })

  return {
    purchase(asked: Prepared, { credits = 0 }: HttpRequest): Purchase {
      if (credits === 0) return { check: () => {}, reserve: async () => ({ ...costs(0), settle: costs }) }
      const refusal = (reason: NotBought['reason'], because: string) => {
        const message = `${wording.nameOf(asked)} costs ${credits} credits and was not asked: ${because}`
        return new NotBought(message, service, reason, credits)
      }
      const { usd } = costs(credits)
      const room = () => {
        if (!deps.live.has('spend')) throw refusal('not_live', 'the target is not live for spend')
        if (usd_per_credit === undefined) throw refusal('no_price', `no usd_per_credit is set for ${service}`)
        const reserved = deps.budget.reserve(service, credits, usd)
        if ('reason' in reserved && reserved.settled === undefined) throw refusal(reserved.reason, reserved.because)
        return reserved
      }
      return {
        check() {
          const reserved = room()
          if ('settle' in reserved) reserved.settle(0, 0)
        },
        async reserve() {
          let reserved = room()
          for (; 'reason' in reserved; reserved = room()) await reserved.settled
          const { settle } = reserved
          return {
            credits,
            usd,
            settle(real) {
              const spent = costs(real)
              settle(spent.credits, spent.usd)
              return spent
            },
          }
        },
      }
    },
  }
}
