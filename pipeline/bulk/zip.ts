import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { pipeline, type TransformOptions } from 'node:stream'
import { constants, crc32, createInflateRaw, type ZlibOptions } from 'node:zlib'
import { type Entry, openPromise } from 'yauzl'
import { messageOf } from '../errors.ts'

/** A file inside a zip. */
export interface ZipMember {
  /** Absolute path of the zip, and what people call it. */
  path: string
  zip: string
  name: string
  /** `2026-08-08`, from the archive. */
  modified: string
  /** Where the (compressed) bytes are. */
  start: number
  compressed_size: number
  method: number
  /** What the bytes must come to. Absent where the archive's directory is gone. */
  expected?: { size: number; crc32: number }
  /** What is wrong with the archive, when its directory cannot be read: as much of the first member as is there can be. */
  damage?: string
}

/** The zip, or a member of it, is not what its directory promises. Rows read before that are good. */
export class ZipDamaged extends Error {
  override readonly name = 'ZipDamaged'
}

const READ_SIZE = 256 * 1024
const INFLATED_SIZE = 1024 * 1024
/** Inflated while rows are read. */
const AHEAD_SIZE = 4 * INFLATED_SIZE
/** A flush that asks for no end of stream: what a cut file holds comes out whole, and `verify` tells that it was cut. */
const INFLATING: ZlibOptions & TransformOptions = {
  chunkSize: INFLATED_SIZE,
  readableHighWaterMark: AHEAD_SIZE,
  finishFlush: constants.Z_SYNC_FLUSH,
}
const STORED = 0
const DEFLATED = 8
const LOCAL_HEADER = 0x04034b50
const LOCAL_HEADER_SIZE = 30

/**
 * The members of a zip (Zip64 too). A zip cut short has lost its directory, which is at the end: its first member is
 * then found by the header in front of it, with `damage` set.
 * @throws ZipDamaged when not even that is there.
 */
export async function listZip(path: string): Promise<ZipMember[]> {
  try {
    const zip = await openPromise(path, { autoClose: false })
    try {
      const members: ZipMember[] = []
      for await (const entry of zip.eachEntry()) {
        if (entry.fileName.endsWith('/')) continue
        const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true })
        members.push(memberOf(path, entry, fileDataStart))
      }
      return members
    } finally {
      zip.close()
    }
  } catch (error) {
    return [await salvage(path, messageOf(error))]
  }
}

/**
 * The content of a member, in pieces of up to a megabyte.
 * @throws ZipDamaged after the last good piece, if the content ends too early or its size or CRC is wrong.
 */
export async function* readMember(member: ZipMember): AsyncGenerator<Buffer> {
  if (member.method !== STORED && member.method !== DEFLATED) {
    throw new ZipDamaged(`is compressed in a way that is not supported (method ${member.method})`)
  }
  if (member.compressed_size === 0) return verify(member, 0, 0)
  const range = { start: member.start, end: member.start + member.compressed_size - 1 }
  const source = createReadStream(member.path, { ...range, highWaterMark: READ_SIZE })
  const content = member.method === STORED ? source : inflated(source)
  let size = 0
  let sum = 0
  try {
    for await (const piece of content as AsyncIterable<Buffer>) {
      size += piece.length
      sum = crc32(piece, sum)
      yield piece
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (!code.startsWith('Z_')) throw error
    throw new ZipDamaged(member.damage ?? messageOf(error))
  } finally {
    source.destroy()
    if (!source.closed) await once(source, 'close')
  }
  verify(member, size, sum)
}

function inflated(source: NodeJS.ReadableStream): AsyncIterable<Buffer> {
  const inflate = createInflateRaw(INFLATING)
  pipeline(source, inflate, () => {})
  return inflate as AsyncIterable<Buffer>
}

function verify(member: ZipMember, size: number, sum: number): void {
  if (member.damage !== undefined) throw new ZipDamaged(member.damage)
  const { expected } = member
  if (expected === undefined) return
  if (size !== expected.size) throw new ZipDamaged(`holds ${size} of ${expected.size} bytes of ${member.name}`)
  if (sum !== expected.crc32) throw new ZipDamaged(`the CRC of ${member.name} is wrong`)
}

function memberOf(path: string, entry: Entry, start: number): ZipMember {
  return {
    path,
    zip: basename(path),
    name: entry.fileName,
    modified: dosDate(entry.lastModFileDate),
    start,
    compressed_size: entry.compressedSize,
    method: entry.isEncrypted() ? Number.NaN : entry.compressionMethod,
    expected: { size: entry.uncompressedSize, crc32: entry.crc32 },
  }
}

async function salvage(path: string, damage: string): Promise<ZipMember> {
  const { size } = await stat(path)
  const file = await open(path)
  try {
    const header = Buffer.alloc(Math.min(size, LOCAL_HEADER_SIZE + 65_535))
    await file.read(header, 0, header.length, 0)
    if (header.length < LOCAL_HEADER_SIZE || header.readUInt32LE(0) !== LOCAL_HEADER) throw new ZipDamaged(damage)
    const nameEnd = LOCAL_HEADER_SIZE + header.readUInt16LE(26)
    const start = nameEnd + header.readUInt16LE(28)
    return {
      path,
      zip: basename(path),
      name: header.toString('utf8', LOCAL_HEADER_SIZE, nameEnd),
      modified: dosDate(header.readUInt16LE(12)),
      start,
      compressed_size: Math.max(0, size - start),
      method: header.readUInt16LE(8),
      damage,
    }
  } finally {
    await file.close()
  }
}

function dosDate(date: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${1980 + (date >> 9)}-${two((date >> 5) & 15)}-${two(date & 31)}`
}
