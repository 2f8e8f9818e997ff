/** A bucket per key that fills evenly: so many a minute, and as many at once as fill in ten seconds. */
export class RateLimit {
  readonly #buckets = new Map<string, { left: number; at: number }>()
  readonly #per_ms: number
  readonly #most: number

  constructor(per_minute: number) {
    this.#per_ms = per_minute / 60_000
    this.#most = Math.max(1, per_minute / 6)
  }

  /** Seconds to wait; 0: go on. */
  take(key: string, now: number): number {
    if (this.#buckets.size > 10_000) this.#forget(now)
    const bucket = this.#buckets.get(key) ?? { left: this.#most, at: now }
    bucket.left = Math.min(this.#most, bucket.left + Math.max(0, now - bucket.at) * this.#per_ms)
    bucket.at = now
    this.#buckets.set(key, bucket)
    if (bucket.left < 1) return Math.ceil((1 - bucket.left) / this.#per_ms / 1000)
    bucket.left--
    return 0
  }

  #forget(now: number): void {
    for (const [key, { left, at }] of this.#buckets)
      if (left + (now - at) * this.#per_ms >= this.#most) this.#buckets.delete(key)
  }
}
