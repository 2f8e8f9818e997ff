import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Interrupted, ProjectError, RemoteError } from '../../../../pipeline/errors.ts'
import type { FileHost } from '../../../../pipeline/http/download.ts'
import type { Exchange } from '../../../../pipeline/http/journal.ts'
import { NotAsked } from '../../../../pipeline/http/refused.ts'
import { etagOf, fileHost, fileHosts, type Host } from '../../../helpers/file-host.ts'

const SIZE = 300_000
const CONTENT = Buffer.from(Array.from({ length: SIZE }, (_, index) => (index * 7919) & 255))
const PATH = '2026-08/Empresas0.zip'
const FILE = { size: SIZE, mark: 'one' }

let host: Host
let to: string
let pauses: number[]
beforeEach(async () => {
  host = await fileHost({ token: 'SHARE' })
  host.files.set(PATH, CONTENT)
  to = join(mkdtempSync(join(tmpdir(), 'lead-engine-download-')), 'Empresas0.zip')
  pauses = []
})
afterEach(() => host.close())

const basic = (token: string) => ({ authorization: `Basic ${Buffer.from(`${token}:`).toString('base64')}` })
const open = (
  more: { limits?: object; signal?: AbortSignal; as_of?: string; headers?: Record<string, string> } = {},
): FileHost =>
  fileHosts({ pauses, signal: more.signal, as_of: more.as_of })({
    service: 'register',
    base_url: host.base_url,
    headers: more.headers ?? basic('SHARE'),
    limits: { stall_s: 1, tries: 3, ...more.limits },
  })

async function fetched(from = open()): Promise<number> {
  let came = 0
  await from.fetch(PATH, to, FILE, (bytes) => {
    came += bytes
  })
  return came
}
const ranges = () => host.seen.map(({ headers }) => headers.range)

describe('a file', () => {
  it('comes whole, asked for as it is, and is told as it comes', async () => {
    expect(await fetched()).toBe(SIZE)
    expect(readFileSync(to).equals(CONTENT)).toBe(true)
    expect(host.seen[0]!.headers['accept-encoding']).toBe('identity')
    expect([existsSync(`${to}.part`), existsSync(`${to}.part.json`)]).toEqual([false, false])
  })

  it('is one call in the log, free of charge; so is one that cannot be had', async () => {
    const calls: Exchange[] = []
    const limits = { stall_s: 1, tries: 1 }
    const from = fileHosts({ pauses, calls })({
      service: 'register',
      base_url: host.base_url,
      headers: basic('SHARE'),
      limits,
    })
    await fetched(from)
    await fetched(from)
    await expect(from.fetch('2026-08/None.zip', `${to}.none`, FILE, () => {})).rejects.toThrow(RemoteError)
    expect(calls.map(({ endpoint, credits, hit, answer }) => [endpoint, credits, hit, answer?.status])).toEqual([
      [PATH, 0, true, 200],
      ['2026-08/None.zip', 0, false, 404],
    ])
  })

  it('goes on where it broke off, as long as tries bring something', async () => {
    host.mischief = (response, { from, body }) => {
      if (from + 60_000 >= body.length) return false
      response.writeHead(from === 0 ? 200 : 206, {
        etag: etagOf(body),
        ...(from > 0 && { 'content-range': `bytes ${from}-${SIZE - 1}/${SIZE}` }),
        'content-length': SIZE - from,
      })
      response.write(body.subarray(from, from + 60_000), () => setTimeout(() => response.destroy(), 10))
      return true
    }
    expect(await fetched()).toBe(SIZE)
    expect(readFileSync(to).equals(CONTENT)).toBe(true)
    expect(host.seen.length).toBeGreaterThan(4)
    expect(ranges()[0]).toBeUndefined()
    expect(ranges()[1]).toMatch(/^bytes=[1-9]\d*-$/)
  })

  it('goes on after a kill, from what is on disk', async () => {
    const stop = new AbortController()
    host.mischief = (response, { body, nth }) => {
      if (nth > 1) return false
      response.writeHead(200, { etag: '"x"', 'content-length': SIZE })
      response.write(body.subarray(0, 100_000), () => setTimeout(() => stop.abort(), 20))
      return true
    }
    await expect(fetched(open({ signal: stop.signal }))).rejects.toThrow(Interrupted)
    const kept = readFileSync(`${to}.part`).length
    expect(kept).toBeGreaterThan(0)
    host.mischief = undefined
    const before = host.sent
    writeFileSync(`${to}.part.json`, JSON.stringify({ mark: 'one' }))
    expect(await fetched()).toBe(SIZE)
    expect(host.sent - before).toBe(SIZE - kept)
    expect(readFileSync(to).equals(CONTENT)).toBe(true)
  })

  it.each([
    ['another file by its mark', { mark: 'another' }],
    ['another file by its ETag', { mark: 'one', validator: '"other"' }],
  ])('begins anew when what is on disk is of %s', async (_what, about) => {
    writeFileSync(`${to}.part`, Buffer.alloc(1000, 1))
    writeFileSync(`${to}.part.json`, JSON.stringify(about))
    await fetched()
    expect(readFileSync(to).equals(CONTENT)).toBe(true)
  })

  it('is whole when the host has nothing more of it (416), and begins anew when it has less', async () => {
    writeFileSync(`${to}.part`, CONTENT)
    writeFileSync(`${to}.part.json`, JSON.stringify({ mark: 'one' }))
    await open().fetch(PATH, to, { mark: 'one' }, () => {})
    expect(readFileSync(to).equals(CONTENT)).toBe(true)
    const other = `${to}.2`
    writeFileSync(`${other}.part`, Buffer.concat([CONTENT, CONTENT]))
    writeFileSync(`${other}.part.json`, JSON.stringify({ mark: 'one' }))
    await open().fetch(PATH, other, { mark: 'one' }, () => {})
    expect(readFileSync(other).equals(CONTENT)).toBe(true)
  })

  it('begins anew on a host that knows no ranges', async () => {
    host.mischief = (response, { nth, body }) => {
      if (nth === 1) {
        response.writeHead(200, { 'content-length': SIZE })
        response.write(body.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 10))
      } else response.writeHead(200, { 'content-length': SIZE }).end(body)
      return true
    }
    await fetched()
    expect(readFileSync(to).equals(CONTENT)).toBe(true)
  })

  it('is given up on a host that knows no ranges and never comes to the end', async () => {
    host.mischief = (response, { body }) => {
      response.writeHead(200, { 'content-length': SIZE })
      response.write(body.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 10))
      return true
    }
    await expect(fetched()).rejects.toThrow(/3 tries in a row brought nothing/)
  })

  it('is not taken when the host says another length than the listing', async () => {
    host.files.set(PATH, Buffer.concat([CONTENT, Buffer.from('more')]))
    await expect(fetched()).rejects.toThrow(/still growing/)
    expect(existsSync(to)).toBe(false)
  })

  it('waits as a host that is overrun asks, then longer and longer, and gives up', async () => {
    host.mischief = (response, { nth }) => {
      response.writeHead(503, nth === 1 ? { 'retry-after': '7' } : {}).end()
      return true
    }
    await expect(fetched(open({ limits: { tries: 5 } }))).rejects.toThrow(
      /answers 503; 5 tries in a row brought nothing/,
    )
    expect(pauses).toEqual([7000, 4000, 8000, 16_000])
    expect(host.seen).toHaveLength(5)
  })

  it('slows down for good when the host stalls', async () => {
    host.mischief = (response, { nth, body, from }) => {
      if (nth > 3) return false
      response.writeHead(from > 0 ? 206 : 200, {
        'content-length': SIZE - from,
        ...(from > 0 && { 'content-range': `bytes ${from}-${SIZE - 1}/${SIZE}` }),
      })
      response.write(body.subarray(from, from + 10))
      return true
    }
    const slowed = open({ limits: { stall_s: 0.2, streams: 4, tries: 6 } })
    await fetched(slowed)
    expect(slowed.state()).toEqual({ streams: 2, stalls: 3 })
    expect(readFileSync(to).equals(CONTENT)).toBe(true)
  })

  it('comes in no more streams than allowed', async () => {
    const many = open({ limits: { streams: 2 } })
    for (let index = 0; index < 8; index++) host.files.set(`${index}.zip`, CONTENT)
    await Promise.all(
      Array.from({ length: 8 }, (_, index) => many.fetch(`${index}.zip`, `${to}.${index}`, FILE, () => {})),
    )
    expect(host.most_at_once()).toBeLessThanOrEqual(2)
  })
})

describe('a host', () => {
  it.each([
    [
      'a wrong token',
      () => open({ headers: basic('OLD') }).text('PROPFIND', '', { depth: '1' }),
      /401: is the token still the right one/,
    ],
    ['a folder that is not there', () => open().text('PROPFIND', '2020-01/'), /2020-01\/ answers 404/],
    [
      'a file that is not there',
      () => open().fetch('nothing.zip', to, { mark: '' }, () => {}),
      /nothing.zip answers 404/,
    ],
  ])('that refuses %s is not asked again', async (_what, ask, said) => {
    await expect(ask()).rejects.toThrow(RemoteError)
    expect(host.seen).toHaveLength(1)
    await expect(ask()).rejects.toThrow(said)
  })

  it('is not asked by a run in the past', () => {
    expect(() => open({ as_of: '2026-11-21' })).toThrow(NotAsked)
  })

  it('gets no token in clear text over the network', () => {
    expect(() => fileHosts()({ service: 'register', base_url: 'http://example.com' })).toThrow(ProjectError)
  })
})
