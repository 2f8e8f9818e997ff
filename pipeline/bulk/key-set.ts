const EMPTY = -1
const FIRST_SIZE = 2 ** 16
/** Above this share of full places looking up gets slow. */
const FULLEST = 0.6
/** 36 to this power is a number that a double still holds. */
const LONGEST = 10
const SPACE = 32

/**
 * Remembers keys of up to ten letters and digits, exactly, in 14 to 27 bytes each. Case and spaces do not count. `fresh`
 * are those added since `forgetFresh`.
 */
export class KeySet {
  size = 0
  #places = new Float64Array(FIRST_SIZE).fill(EMPTY)
  #fresh = new Float64Array(1024)
  #freshSize = 0

  add(buffer: Uint8Array, start: number, end: number): void {
    this.#put(packed(buffer, start, end))
  }

  has(buffer: Uint8Array, start: number, end: number): boolean {
    const key = packed(buffer, start, end)
    return this.#places[this.#placeOf(key)] === key
  }

  get fresh(): Float64Array {
    return this.#fresh.subarray(0, this.#freshSize)
  }

  /** What was `fresh`, as it stays. */
  takeFresh(): Float64Array {
    const fresh = this.fresh.slice()
    this.forgetFresh()
    return fresh
  }

  forgetFresh(): void {
    this.#freshSize = 0
  }

  /** Adds what was `fresh` once. */
  restore(keys: Float64Array): void {
    for (const key of keys) this.#put(key)
  }

  #put(key: number): void {
    const place = this.#placeOf(key)
    if (this.#places[place] === key) return
    this.#places[place] = key
    if (this.#freshSize === this.#fresh.length) {
      const more = new Float64Array(2 * this.#fresh.length)
      more.set(this.#fresh)
      this.#fresh = more
    }
    this.#fresh[this.#freshSize++] = key
    if (++this.size > FULLEST * this.#places.length) this.#grow()
  }

  #placeOf(key: number): number {
    const places = this.#places
    const mask = places.length - 1
    let place = scattered(key) & mask
    while (places[place] !== EMPTY && places[place] !== key) place = (place + 1) & mask
    return place
  }

  #grow(): void {
    const old = this.#places
    this.#places = new Float64Array(2 * old.length).fill(EMPTY)
    for (const key of old) if (key !== EMPTY) this.#places[this.#placeOf(key)] = key
  }
}

/** The key as a number in base 36. Keys of one set are of one length. */
function packed(buffer: Uint8Array, start: number, end: number): number {
  let number = 0
  let length = 0
  for (let at = start; at < end; at++) {
    const byte = buffer[at]!
    if (byte === SPACE) continue
    const digit = byte <= 57 ? byte - 48 : byte <= 90 ? byte - 55 : byte - 87
    if (digit < 0 || digit > 35 || length === LONGEST)
      throw new Error('a key of a bulk table is not of ten letters or digits')
    number = number * 36 + digit
    length++
  }
  return number
}

function scattered(key: number): number {
  const mixed = Math.imul((key | 0) ^ Math.imul((key / 2 ** 32) | 0, 0x9e3779b1), 0x85ebca6b)
  const more = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35)
  return (more ^ (more >>> 13)) >>> 0
}
