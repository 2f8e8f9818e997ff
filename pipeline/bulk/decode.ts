export type Encoding = 'latin1' | 'utf-8' | 'utf-16le' | 'utf-16be'

/** What a decoding has seen so far. */
export interface Decoded {
  encoding: Encoding
  /** NUL characters taken out: no text has them, and many databases refuse them. */
  nul_bytes: number
}

const MARKS: readonly { encoding: Encoding; bytes: readonly number[] }[] = [
  { encoding: 'utf-8', bytes: [0xef, 0xbb, 0xbf] },
  { encoding: 'utf-16le', bytes: [0xff, 0xfe] },
  { encoding: 'utf-16be', bytes: [0xfe, 0xff] },
]
const LONGEST_MARK = 3

/** The encoding a file says it has by its byte order mark. Without one it is latin1: nothing is guessed. */
export function sniff(head: Buffer): { encoding: Encoding; mark: number } {
  const found = MARKS.find(({ bytes }) => bytes.every((byte, index) => head[index] === byte))
  return found === undefined ? { encoding: 'latin1', mark: 0 } : { encoding: found.encoding, mark: found.bytes.length }
}

/**
 * Bytes of any of the encodings → latin1 or UTF-8, as `seen.encoding` is or is not latin1, without mark and without NULs,
 * piece by piece. Whether UTF-8 is valid is for the reader of the rows to say. `seen` is kept up to date.
 */
export async function* toText(pieces: AsyncIterable<Buffer>, seen: Decoded): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0)
  let decode: Decode = () => Buffer.alloc(0)
  const start = (bytes: Buffer) => {
    const { encoding, mark } = sniff(bytes)
    seen.encoding = encoding
    decode = decoder(encoding)
    head = undefined
    return bytes.subarray(mark)
  }
  for await (const piece of pieces) {
    let bytes = piece
    if (head !== undefined) {
      head = Buffer.concat([head, piece])
      if (head.length < LONGEST_MARK) continue
      bytes = start(head)
    }
    yield withoutNul(decode(bytes), seen)
  }
  const rest = head === undefined ? Buffer.alloc(0) : start(head)
  const last = withoutNul(decode(rest, true), seen)
  if (last.length > 0) yield last
}

type Decode = (bytes: Buffer, last?: boolean) => Buffer

function decoder(encoding: Encoding): Decode {
  if (encoding === 'latin1' || encoding === 'utf-8') return (bytes) => bytes
  const text = new TextDecoder(encoding)
  return (bytes, last = false) => Buffer.from(text.decode(bytes, { stream: !last }), 'utf8')
}

function withoutNul(bytes: Buffer, seen: Decoded): Buffer {
  if (!bytes.includes(0)) return bytes
  const kept = bytes.filter((byte) => byte !== 0)
  seen.nul_bytes += bytes.length - kept.length
  return Buffer.from(kept.buffer, kept.byteOffset, kept.length)
}
