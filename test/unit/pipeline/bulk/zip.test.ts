import { createWriteStream, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { ZipFile } from 'yazl'
import { listZip, readMember, ZipDamaged, type ZipMember } from '../../../../pipeline/bulk/zip.ts'

const folder = mkdtempSync(join(tmpdir(), 'lead-engine-zip-'))
const at = (name: string) => join(folder, name)
/** Does not compress to nothing, and says in each line where it is. */
const text = Array.from({ length: 60_000 }, (_, index) => `${index} ${(index * 2_654_435_761) % 4_294_967_296}\n`).join(
  '',
)

beforeAll(async () => {
  for (const [name, options] of [
    ['plain.zip', {}],
    ['stored.zip', { compress: false }],
    ['zip64.zip', { forceZip64Format: true }],
  ] as const) {
    const zip = new ZipFile()
    zip.addBuffer(Buffer.from(text), 'A.D60808.CSV', { mtime: new Date(2026, 7, 8, 12), ...options })
    zip.addEmptyDirectory('folder/')
    zip.addBuffer(Buffer.alloc(0), 'folder/empty.csv')
    zip.end()
    await pipeline(zip.outputStream, createWriteStream(at(name)))
  }
  const whole = readFileSync(at('plain.zip'))
  writeFileSync(at('cut.zip'), whole.subarray(0, Math.floor(whole.length / 2)))
  writeFileSync(at('header.zip'), whole.subarray(0, 20))
  writeFileSync(at('nothing.zip'), '')
  writeFileSync(at('text.zip'), '<html>503 Service Unavailable</html>')
  const flipped = Buffer.from(readFileSync(at('stored.zip')))
  flipped[1_000] = flipped[1_000]! ^ 1
  writeFileSync(at('flipped.zip'), flipped)
  const broken = Buffer.from(whole)
  broken.fill(0xff, Math.floor(whole.length / 2), Math.floor(whole.length / 2) + 500)
  writeFileSync(at('broken.zip'), broken)
})

async function read(member: ZipMember): Promise<{ text: string; error?: unknown }> {
  const pieces: Buffer[] = []
  try {
    for await (const piece of readMember(member)) pieces.push(piece)
  } catch (error) {
    return { text: Buffer.concat(pieces).toString(), error }
  }
  return { text: Buffer.concat(pieces).toString() }
}

describe('reading zips', () => {
  it.each(['plain.zip', 'stored.zip', 'zip64.zip'])('lists and reads %s', async (name) => {
    const members = await listZip(at(name))
    expect(members.map((member) => [member.name, member.zip, member.expected?.size])).toEqual([
      ['A.D60808.CSV', name, text.length],
      ['folder/empty.csv', name, 0],
    ])
    expect(members[0]!.modified).toBe('2026-08-08')
    expect(await read(members[0]!)).toEqual({ text })
    expect(await read(members[1]!)).toEqual({ text: '' })
  })

  it('gives what a cut zip still holds, then says that it is cut', async () => {
    const [member] = await listZip(at('cut.zip'))
    expect(member).toMatchObject({ name: 'A.D60808.CSV', damage: expect.stringMatching(/./) })
    const { text: kept, error } = await read(member!)
    expect(kept.length).toBeGreaterThan(text.length / 4)
    expect(text.startsWith(kept)).toBe(true)
    expect(error).toBeInstanceOf(ZipDamaged)
  })

  it.each(['header.zip', 'nothing.zip', 'text.zip'])('refuses %s, of which nothing can be read', async (name) => {
    await expect(listZip(at(name))).rejects.toThrow(ZipDamaged)
  })

  it('notices a changed byte by the CRC', async () => {
    const [member] = await listZip(at('flipped.zip'))
    expect((await read(member!)).error).toMatchObject({ message: expect.stringContaining('CRC') })
  })

  it('gives what comes before bytes that cannot be inflated', async () => {
    const [member] = await listZip(at('broken.zip'))
    const { error } = await read(member!)
    expect(error).toBeInstanceOf(ZipDamaged)
  })
})
