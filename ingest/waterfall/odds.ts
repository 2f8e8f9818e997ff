/** What became of the questions of one day: the ledger's own record, counted. */
export interface Counted {
  provider: string
  field: string
  segment: string
  /** Days since, as of the run; 0 is today. */
  age_days: number
  asked: number
  /** Answers that were paid for as such. */
  hits: number
  /** Hits that could be believed. */
  valid: number
  /** What they cost, in the unit of the prices. */
  cost: number
  /** How long the answers took, in all. */
  seconds: number
}

/** What asking a provider for a field is expected to bring: a Beta distribution of a believable hit, and its price. */
export interface Odds {
  alpha: number
  beta: number
  hit: number
  /** Expected price of one question. */
  cost: number
  seconds: number
}

/** A price, in one unit for all providers: USD where a credit's price is known. */
export interface Cost {
  call: number
  hit: number
  miss: number
}

/** Old answers count less: half after so many days, since vendors get better and worse. */
const HALF_LIFE_DAYS = 30
/** How many answers from this segment weigh as much as all that is known of the others. */
const PRIOR_ANSWERS = 6

interface Weighed {
  asked: number
  hits: number
  valid: number
  cost: number
  seconds: number
}

const NOTHING: Weighed = { asked: 0, hits: 0, valid: 0, cost: 0, seconds: 0 }

function keyOf(provider: string, field: string, segment = '*'): string {
  return `${provider}\n${field}\n${segment}`
}

/** The ledger's record of who knew what, by segment, weighed by age. */
export class Experience {
  readonly #sums = new Map<string, Weighed>()

  constructor(counted: Iterable<Counted> = []) {
    for (const one of counted) this.add(one)
  }

  add({ provider, field, segment, age_days, ...counts }: Counted): void {
    const weight = 0.5 ** (age_days / HALF_LIFE_DAYS)
    for (const key of [keyOf(provider, field, segment), keyOf(provider, field)]) {
      const sum = this.#sums.get(key) ?? { ...NOTHING }
      for (const name of Object.keys(sum) as (keyof Weighed)[]) sum[name] += weight * counts[name]
      this.#sums.set(key, sum)
    }
  }

  /** A segment of which little is known is taken to be like the others; a provider of which nothing is, as good as not. */
  odds(provider: string, field: string, segment: string, price: Cost): Odds {
    const all = this.#sums.get(keyOf(provider, field)) ?? NOTHING
    const own = this.#sums.get(keyOf(provider, field, segment)) ?? NOTHING
    const share = (name: 'hits' | 'valid') => (all[name] + 1) / (all.asked + 2)
    const rate = (name: 'hits' | 'valid') => (own[name] + PRIOR_ANSWERS * share(name)) / (own.asked + PRIOR_ANSWERS)
    const hit = rate('hits')
    const declared = price.call + hit * price.hit + (1 - hit) * price.miss
    const valid = rate('valid')
    return {
      alpha: valid * (own.asked + PRIOR_ANSWERS),
      beta: (1 - valid) * (own.asked + PRIOR_ANSWERS),
      hit,
      cost: (declared * PRIOR_ANSWERS + all.cost) / (PRIOR_ANSWERS + all.asked),
      seconds: all.seconds / (all.asked + PRIOR_ANSWERS),
    }
  }
}

/** The chance of a believable hit. */
export function chanceOf({ alpha, beta }: Odds): number {
  return alpha / (alpha + beta)
}

/** A draw from the distribution, by lots that are handed in: how good it might be (Thompson sampling). */
export function drawn({ alpha, beta }: Odds, next: () => number): number {
  const a = gamma(alpha, next)
  const b = gamma(beta, next)
  return a + b === 0 ? 0 : a / (a + b)
}

/** Marsaglia and Tsang, 2000. */
function gamma(shape: number, next: () => number): number {
  if (shape < 1) return gamma(shape + 1, next) * Math.max(next(), Number.MIN_VALUE) ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = normal(next)
    const v = (1 + c * x) ** 3
    if (v <= 0) continue
    if (Math.log(Math.max(next(), Number.MIN_VALUE)) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}

function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
}
