const BITS = 27
const MASK = 2 ** BITS - 1
const SPACE = 32

/**
 * Remembers keys in 16 MB however many there are: `has` is never false for a key that was added, and seldom true for
 * another (2 % at ten million keys). So it can hold back most rows that an exact join would drop later anyway. Case and
 * spaces do not count.
 */
export class KeyFilter {
  readonly #bits = new Uint32Array(2 ** (BITS - 5))

  add(buffer: Uint8Array, start: number, end: number): void {
    const [first, second] = places(buffer, start, end)
    this.#bits[first >>> 5]! |= 1 << (first & 31)
    this.#bits[second >>> 5]! |= 1 << (second & 31)
  }

  has(buffer: Uint8Array, start: number, end: number): boolean {
    const [first, second] = places(buffer, start, end)
    return ((this.#bits[first >>> 5]! >>> (first & 31)) & (this.#bits[second >>> 5]! >>> (second & 31)) & 1) === 1
  }
}

/** FNV-1a, finished once for each of the two places. */
function places(buffer: Uint8Array, start: number, end: number): [number, number] {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) {
    const byte = buffer[at]!
    if (byte === SPACE) continue
    hash = Math.imul(hash ^ (byte >= 97 && byte <= 122 ? byte - SPACE : byte), 0x01000193)
  }
  return [finish(hash) & MASK, finish(hash ^ 0x9e3779b9) & MASK]
}

function finish(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  const more = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return more ^ (more >>> 16)
}
