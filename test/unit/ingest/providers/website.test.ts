import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { cnpjCheckDigits, type Subject } from '../../../../ingest/define.ts'
import { icpSchema } from '../../../../ingest/icp.ts'
import { cnpjsOf, markupOf, ownCnpj, technologiesOf } from '../../../../ingest/page-facts.ts'
import website from '../../../../ingest/providers/website.ts'
import { readRobots } from '../../../../ingest/robots.ts'
import { ProjectError } from '../../../../pipeline/errors.ts'
import { type FaultServer, faultServer, type Handler } from '../../../helpers/fault-server.ts'
import { httpWorld } from '../../../helpers/http-world.ts'

const icp = icpSchema.parse({ version: 1, profiles: { all: { description: 'All', hard: { countries: ['BR'] } } } })
const open: FaultServer[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

type Pages = Record<string, { status?: number; headers?: Record<string, string>; body?: string }>

/** Sites on one server, by host and path; what is not there is a 404, and a host without pages breaks off. */
async function look(pages: Pages, domains: string[], more: { country?: string; agent?: string } = {}) {
  const handler: Handler = (response, { headers, url }) => {
    const found = pages[`${headers.host}${url}`]
    const isThere = Object.keys(pages).some((page) => page.startsWith(`${headers.host}/`))
    if (found?.status === -1 || !isThere) return void response.destroy()
    const type = { 'content-type': 'text/html' }
    response.writeHead(found === undefined ? 404 : (found.status ?? 200), { ...type, ...found?.headers })
    response.end(found?.body ?? '')
  }
  const server = await faultServer(handler)
  open.push(server)
  const world = await httpWorld()
  const agent = more.agent === undefined ? {} : { agent: more.agent }
  const settings = website.settings.parse({ stand_in: server.base_url, timeout_s: 2, ...agent })
  const subjects = domains.map(
    (domain): Subject => ({
      ...{ subject_id: domain, company_id: domain, name: domain, domain, cnpj: null, country: more.country ?? null },
      ...{ full_name: null, email: null, linkedin_url: null },
    }),
  )
  const rows = async (replay = false) => {
    const http = world.again({ replay })({ ...website.http!(settings), service: 'website' })
    const found: Record<string, unknown>[] = []
    const context = { settings, icp, http, as_of: '2026-03-10', subjects, fields: ['tech_stack' as const] }
    for await (const page of website.resources.sites!.pages!(context)) found.push(...(page as typeof found))
    return found
  }
  const asked = () => server.seen.map(({ headers, url }) => `${headers.host}${url}`)
  return { rows, asked, server }
}

describe('a visit', () => {
  test('asks robots.txt of each host on the way, and follows a site to where it moved', async () => {
    const { rows, asked } = await look(
      {
        'acme.example/': { status: 301, headers: { location: 'https://www.acme.example/home' } },
        'www.acme.example/home': { body: '<link href="https://cdn.shopify.com/a.css">' },
      },
      ['acme.example'],
    )
    expect(await rows()).toMatchObject([
      {
        ...{ outcome: 'page', url: 'https://www.acme.example/home', status: 200, fault: null },
        technologies: [{ technology: 'Shopify', category: 'ecommerce' }],
      },
    ])
    expect(asked()).toEqual([
      ...['acme.example/robots.txt', 'acme.example/'],
      ...['www.acme.example/robots.txt', 'www.acme.example/home'],
    ])
  })

  test('does not look where the owner asks it not to, be it by name, and calls itself by that name', async () => {
    const robots = { body: 'User-agent: *\nAllow: /\n\nUser-agent: acme-bot\nDisallow: /' }
    const pages = { 'a.example/robots.txt': robots, 'a.example/': { body: 'x' } }
    const named = await look(pages, ['a.example'], { agent: 'acme-bot/1.0 (+https://acme.example/bot)' })
    expect(await named.rows()).toMatchObject([{ outcome: 'robots', status: null, technologies: [] }])
    expect(named.asked()).toEqual(['a.example/robots.txt'])
    expect(named.server.seen[0]!.headers['user-agent']).toBe('acme-bot/1.0 (+https://acme.example/bot)')
    expect(await (await look(pages, ['a.example'])).rows()).toMatchObject([{ outcome: 'page' }])
  })

  test('a redirect inside is refused like any other address, and one in circles ends', async () => {
    const inside = { status: 302, headers: { location: 'http://169.254.169.254/latest/meta-data/' } }
    const local = { status: 302, headers: { location: 'http://[::ffff:127.0.0.1]/' } }
    const round = { status: 302, headers: { location: '/' } }
    const there = { status: 302, headers: { location: '/back' } }
    const { rows, asked } = await look(
      ...[
        { 'in.example/': inside, 'local.example/': local, 'self.example/': round },
        ['in.example', 'local.example', 'self.example'],
      ],
    )
    const found = await rows()
    expect(found.map(({ outcome }) => outcome)).toEqual(['unreachable', 'unreachable', 'redirects'])
    expect(String(found[0]!.fault)).toContain('refused')
    expect(asked().filter((each) => /169|127/.test(each))).toEqual([])
    const circle = await look({ 'c.example/': there, 'c.example/back': round }, ['c.example'])
    expect(await circle.rows()).toMatchObject([{ outcome: 'redirects' }])
    expect(circle.asked().length).toBeLessThan(12)
  })

  test('sites that refuse us or are broken are answers, and none of them stops the next', async () => {
    const domains = Array.from({ length: 12 }, (_, n) => `s${n}.example`)
    const broken = Object.fromEntries(
      domains.map((domain, n) => [`${domain}/`, { status: [-1, 500, 403, 429][n % 4]!, body: '' }]),
    )
    const { rows } = await look({ ...broken, 'fine.example/': { body: 'ok' } }, [...domains, 'fine.example'])
    const found = await rows()
    expect(found.map(({ status }) => status)).toEqual([...domains.map((_, n) => [null, 500, 403, 429][n % 4]), 200])
    expect(await rows(true)).toEqual(found)
  })

  test('a name that is no domain is not asked', async () => {
    const { rows, asked } = await look({}, ['not a domain', '10.0.0.1', 'x@y:z'])
    expect((await rows()).map(({ outcome }) => outcome)).toEqual(['unreachable', 'unreachable', 'unreachable'])
    expect(asked()).toEqual([])
  })

  test('a stand-in elsewhere than on this machine is refused', async () => {
    const world = await httpWorld()
    const settings = website.settings.parse({ stand_in: 'https://elsewhere.example' })
    expect(() => world.http({ ...website.http!(settings), service: 'website' })).toThrow(ProjectError)
  })
})

describe('robots.txt', () => {
  test.each([
    [200, 'User-agent: *\nDisallow: /private', true],
    [200, 'User-agent: *\nDisallow: /\nAllow: /$', true],
    [200, 'user-agent: LEAD-ENGINE\ndisallow: /', false],
    [200, '<html>not found</html>', true],
    [404, 'User-agent: *\nDisallow: /', true],
    [403, '', true],
    [429, '', false],
    [503, '', false],
  ])('%i %j lets us look: %s', async (status, text, allowed) => {
    const allows = await readRobots('https://a.example/robots.txt', status, text, 'lead-engine')
    expect(allows('https://a.example/')).toBe(allowed)
  })
})

describe('what a page says', () => {
  const rules = [{ technology: 'Shopify', category: 'ecommerce', markup: ['cdn.shopify.com'], generator: 'shop' }]
  const found = (text: string) => technologiesOf({ text, headers: {} }, rules).length > 0

  test('technologies are told by markup and generator, not by prose or comments', () => {
    expect(found('<img src="//CDN.shopify.com/x">')).toBe(true)
    expect(found('<script>load("cdn.shopify.com")</script>')).toBe(true)
    expect(found('<p>cdn.shopify.com</p><!-- <img src="cdn.shopify.com"> -->')).toBe(false)
    expect(found(`<meta content='Shop 2' name=generator>`)).toBe(true)
    expect(found('<meta name="description" content="shop">')).toBe(false)
  })

  test('markup is found in time that grows with the page, whatever the page', () => {
    for (const piece of ['<', '<!--', '<script', '<script>', '<meta ', '< <meta name=generator content="'])
      expect(technologiesOf({ text: piece.repeat(500_000 / piece.length), headers: {} }, rules)).toEqual([])
    const isWithin = (html: string) => markupOf(html).length <= html.length + html.split('<').length
    fc.assert(fc.property(fc.stringMatching(/^[<>!-scriptmea ]{0,80}$/), isWithin))
  })

  const cnpj = (base: string) => base + cnpjCheckDigits(base)
  const written = (it: string) => it.replace(/^(..)(...)(...)(....)(..)$/, '$1.$2.$3/$4-$5')

  test('CNPJs by their check digits, letters too; bare ones only where the page says so', () => {
    const [head, branch, letters] = [cnpj('112223330001'), cnpj('112223330002'), cnpj('12ABC34501DE')]
    const page = `CNPJ: ${head} x ${written(branch)} y <b>${written(letters)}</b> 11.222.333/0001-82 ${'1'.repeat(44)}`
    expect(cnpjsOf(page)).toEqual([head, branch, letters])
    expect(cnpjsOf(`id=${head} CPF 123.456.789-09`)).toEqual([])
  })

  test('whose page it is: the head office of its only company, or nobody knows', () => {
    const [head, branch, other] = [cnpj('112223330001'), cnpj('112223330002'), cnpj('998887770001')]
    expect(ownCnpj([branch!, head!])).toBe(head)
    expect(ownCnpj([branch!])).toBe(branch)
    expect(ownCnpj([head!, other!])).toBeNull()
    expect(ownCnpj([])).toBeNull()
  })

  test('no CNPJ is looked for on the page of a company that is known to be elsewhere', async () => {
    const body = written(cnpj('112223330001'))
    const { rows } = await look({ 'a.example/': { body } }, ['a.example'], { country: 'US' })
    expect(await rows()).toMatchObject([{ cnpjs: [], cnpj: null }])
  })
})
