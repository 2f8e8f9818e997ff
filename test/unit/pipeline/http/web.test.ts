import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { Fault } from '../../../../pipeline/http/network.ts'
import { createWeb, type Reach, type WebOptions } from '../../../../pipeline/http/web.ts'
import { type FaultServer, faultServer, type Handler } from '../../../helpers/fault-server.ts'

const open: FaultServer[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

/** A host `site.example` on this machine, which this test alone may reach, and the internet as it is for all else. */
async function site(handler: Handler, more: Partial<WebOptions> = {}) {
  const server = await faultServer(handler)
  open.push(server)
  const port = Number(new URL(server.base_url).port)
  const asked: string[] = []
  const reach: Reach = {
    async resolve(host) {
      asked.push(host)
      return ['127.0.0.1']
    },
    allows: (address, at) => address === '127.0.0.1' && at === port,
  }
  const get = createWeb({ timeout_ms: 2000, signal: new AbortController().signal, reach, ...more })
  const fetch = (url: string) => get(new URL(url), { method: 'GET', headers: {}, body: undefined })
  return { server, asked, port, fetch, home: `http://site.example:${port}/` }
}

const page: Handler = (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello')

/** As it is in production: nothing on this machine may be reached. */
const strict = createWeb({ timeout_ms: 2000, signal: new AbortController().signal })
const ask = (url: string) => strict(new URL(url), { method: 'GET', headers: {}, body: undefined })

describe('what is not public', () => {
  test.each([
    'http://127.0.0.1/',
    'http://localhost/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://127.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:169.254.169.254]/',
    'http://[fd00:ec2::254]/',
    'http://metadata/',
    'http://8.8.8.8:22/',
    'http://user:pass@8.8.8.8/',
    'ftp://8.8.8.8/',
    'file:///etc/passwd',
  ])('%s is not asked', async (url) => {
    const answer = await ask(url)
    expect(answer).toMatchObject({ status: 0, text: '' })
    expect(answer.headers['x-fault']).toMatch(/refused|no web address/)
  })

  test('a name that means this machine is not asked, though a server listens there', async () => {
    const reach: Reach = { resolve: async () => ['127.0.0.1'], allows: () => false }
    const { server, fetch, home } = await site(page, { reach })
    expect((await fetch(home)).headers['x-fault']).toContain('not on the public internet')
    expect(server.seen).toEqual([])
  })

  test('one address among several that is not public is enough to refuse', async () => {
    const { server, port, fetch, home } = await site(page, {
      reach: { resolve: async () => ['127.0.0.1', '10.0.0.1'], allows: (address) => address === '127.0.0.1' },
    })
    expect(port).toBeGreaterThan(0)
    expect((await fetch(home)).status).toBe(0)
    expect(server.seen).toEqual([])
  })

  test('no redirect is followed: whoever follows it asks again, and is checked again', async () => {
    const { fetch, home, server } = await site((response) =>
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
    )
    const { status, headers } = await fetch(home)
    expect(status).toBe(302)
    expect(server.seen).toHaveLength(1)
    expect((await fetch(headers.location!)).headers['x-fault']).toContain('refused')
  })

  test('a name is resolved once, and the connection goes to the address that was checked', async () => {
    const answers = [['127.0.0.1'], ['10.0.0.1']]
    const seen: string[] = []
    const { fetch, home } = await site(page, {
      reach: {
        resolve: async () => answers.shift() ?? [],
        allows: (address) => seen.push(address) > 0 && address === '127.0.0.1',
      },
    })
    expect((await fetch(home)).text).toBe('<p>hello')
    expect(seen).toEqual(['127.0.0.1'])
    expect((await fetch(home)).status).toBe(0)
  })
})

describe('how much it may take', () => {
  test('a body without end is cut', async () => {
    const { fetch, home } = await site(
      (response) => {
        response.writeHead(200, { 'content-type': 'text/html' })
        const more = () => {
          if (!response.destroyed) response.write('x'.repeat(60_000), () => setImmediate(more))
        }
        more()
      },
      { max_bytes: 100_000 },
    )
    expect((await fetch(home)).text).toHaveLength(100_000)
  })

  test('a bomb is cut while it unfolds', async () => {
    const bomb = gzipSync(Buffer.alloc(200_000_000))
    const { fetch, home } = await site(
      (response) => response.writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip' }).end(bomb),
      { max_bytes: 100_000 },
    )
    const before = process.memoryUsage().rss
    expect((await fetch(home)).text).toHaveLength(100_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
  })

  test('a body that drips is broken off in time', async () => {
    const { fetch, home } = await site(
      (response) => {
        response.writeHead(200, { 'content-type': 'text/html' })
        const timer = setInterval(() => response.write('x'), 20)
        response.on('close', () => clearInterval(timer))
      },
      { timeout_ms: 300 },
    )
    await expect(fetch(home)).rejects.toThrow('did not answer within 0.3 s')
  })

  test('what is no page is not read', async () => {
    const { fetch, home } = await site((response) =>
      response.writeHead(200, { 'content-type': 'application/zip' }).end(Buffer.alloc(1_000_000)),
    )
    expect(await fetch(home)).toMatchObject({ status: 200, text: '' })
  })
})

describe('what comes of it', () => {
  test('a page in the charset it says, unfolded; its host is told whom is asked for', async () => {
    const body = gzipSync(Buffer.from('<p>Região', 'latin1'))
    const { fetch, home, server, port } = await site((response) =>
      response
        .writeHead(200, { 'content-type': 'text/html; charset=iso-8859-1', 'content-encoding': 'gzip' })
        .end(body),
    )
    expect((await fetch(home)).text).toBe('<p>Região')
    expect(server.seen[0]!.headers.host).toBe(`site.example:${port}`)
  })

  test('a refused connection and a wrong certificate are answers; what may pass is a fault', async () => {
    const { fetch, home, server, port } = await site((response) => response.destroy())
    await expect(fetch(home)).rejects.toThrow(Fault)
    await expect(fetch(`https://site.example:${port}/`)).resolves.toMatchObject({ status: 0 })
    await server.close()
    expect((await fetch(home)).headers['x-fault']).toContain('ECONNREFUSED')
  })

  test.each(['ENOTFOUND', 'ENODATA'])('a name without an address (%s) is an answer', async (code) => {
    const resolve = () => Promise.reject(Object.assign(new Error(code), { code }))
    const { fetch, home } = await site(page, { reach: { resolve, allows: () => true } })
    expect((await fetch(home)).headers['x-fault']).toBe(`has no address (${code})`)
  })

  test('name servers that do not answer are a fault', async () => {
    const resolve = () => Promise.reject(Object.assign(new Error('x'), { code: 'ETIMEOUT' }))
    const { fetch, home } = await site(page, { reach: { resolve, allows: () => true } })
    await expect(fetch(home)).rejects.toThrow('cannot be reached (ETIMEOUT)')
  })

  test('a stand-in answers for every name, and for no address', async () => {
    const standIn = await faultServer(page)
    open.push(standIn)
    const signal = new AbortController().signal
    const get = createWeb({ timeout_ms: 2000, signal, stand_in: standIn.base_url })
    const fetch = (url: string) => get(new URL(url), { method: 'GET', headers: {}, body: undefined })
    expect((await fetch('https://acme.example/a?b=1')).text).toBe('<p>hello')
    expect(standIn.seen[0]).toMatchObject({ url: '/a?b=1', headers: { host: 'acme.example' } })
    expect((await fetch('http://169.254.169.254/')).status).toBe(0)
    expect((await fetch(standIn.base_url)).status).toBe(0)
  })
})
