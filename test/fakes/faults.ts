import type { Answer } from './server.ts'

/**
 * What goes wrong on a wire, whoever the vendor is; `before`: nothing was applied, `after`: it was, and nobody is told.
 * Any other name is one of the vendor's own refusals, played before anything is applied.
 */
export const WIRE_FAULTS = [
  'reset before',
  'reset after',
  'hang before',
  'hang after',
  'drip',
  'truncated',
  'wrong type',
  '502 after',
] as const
export type WireFault = (typeof WIRE_FAULTS)[number]

export interface FaultPlan {
  /** Printed by whoever uses it, so that a failure can be played again. */
  seed: number
  /** In [0, 1]: how many of the answers are faulty. */
  share: number
  /** Names of WIRE_FAULTS and of the vendor's refusals; each as likely as the next. */
  kinds: readonly string[]
  /** Only requests whose `METHOD /path` matches; all unless said. */
  target?: RegExp
  /** No more faults than that. */
  most?: number
}

/** Draws what happens to each request, in their order. */
export interface Faults {
  next(request: string): string | null
}

export const NO_FAULTS: Faults = { next: () => null }

export function drawFaults({ seed, share, kinds, target, most = Number.POSITIVE_INFINITY }: FaultPlan): Faults {
  const draw = numbers(seed)
  let played = 0
  return {
    next(request) {
      if (target !== undefined && !target.test(request)) return null
      const [whether, which] = [draw(), draw()]
      if (whether >= share || played >= most) return null
      played++
      return kinds[Math.floor(which * kinds.length)] ?? null
    },
  }
}

/** These, one after the other, then none. */
export function scripted(kinds: readonly (string | null)[], target?: RegExp): Faults {
  const left = [...kinds]
  return { next: (request) => (target === undefined || target.test(request) ? (left.shift() ?? null) : null) }
}

/** The same for every request that matches, until told otherwise. */
export function always(kind: string, target?: RegExp): Faults {
  return { next: (request) => (target === undefined || target.test(request) ? kind : null) }
}

/** mulberry32: the same numbers in [0, 1) for the same seed. */
export function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const PAGE = '<!DOCTYPE html><html><head><title>521: Web server is down</title></head><body>cloudflare</body></html>'
const HTML = { 'content-type': 'text/html; charset=UTF-8' }

/** Refusals that any vendor behind a load balancer gives. */
export const COMMON_REFUSALS: Record<string, () => Answer> = {
  '500': () => ({ status: 500, body: { status: 'error', message: 'Internal server error' } }),
  '502': () => ({ status: 502, headers: HTML, body: '<html><body><h1>502 Bad Gateway</h1></body></html>' }),
  '503': () => ({ status: 503, body: { status: 'error', message: 'Service unavailable' } }),
  '504': () => ({ status: 504, headers: HTML, body: '<html><body>504 Gateway Time-out</body></html>' }),
  'html page': () => ({ status: 521, headers: HTML, body: PAGE }),
}
