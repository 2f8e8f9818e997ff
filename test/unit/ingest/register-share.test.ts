import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { icpSchema } from '../../../ingest/icp.ts'
import receita from '../../../ingest/providers/receita_federal.ts'
import { RemoteError } from '../../../pipeline/errors.ts'
import type { Step, StepContext } from '../../../pipeline/step.ts'
import { columnsOf } from '../../../pipeline/table.ts'
import { fileHost, fileHosts, type Host } from '../../helpers/file-host.ts'
import { generateReceita } from '../../helpers/receita-generator.ts'
import { type TestWorld, world } from '../../helpers/world.ts'

const temporary = (name: string) => mkdtempSync(join(tmpdir(), `lead-engine-${name}-`))
const ANYONE = icpSchema.parse({
  version: 1,
  profiles: { all: { description: 'All', hard: {}, personas: [{ name: 'owner' }] } },
})
const step: Step = {
  name: 'receita_federal',
  kind: 'resource',
  stage: 'discovery',
  file: '',
  description: '',
  reads: [],
  records: Object.entries(receita.resources).map(([table, { row, key, write, description }]) => {
    return { source: 'receita_federal', table, columns: columnsOf(row), key, write, description, bulk: true }
  }),
  fingerprint: null,
  run: () => Promise.reject(new Error('not used')),
}

const months: Record<string, Map<string, Buffer>> = {}
beforeAll(async () => {
  for (const [month, extracted, companies] of [
    ['2026-06', 'D60613', 20],
    ['2026-07', 'D60711', 30],
    ['2026-08', 'D60808', 40],
  ] as const) {
    const folder = temporary('month')
    await generateReceita({ folder, companies, extracted, parts: 10 })
    months[month] = new Map(readdirSync(folder).map((zip) => [zip, readFileSync(join(folder, zip))]))
  }
})

let w: TestWorld
let host: Host
afterEach(async () => {
  w.close()
  await host.close()
})

interface Scene {
  context: StepContext
  home: string
  pauses: number[]
  put(month: string, without?: string[]): void
  land(settings?: object, share?: object): Promise<{ text: string; rows: number; failures?: unknown[] }>
  months(): Promise<string[]>
}

async function scene(options: Parameters<typeof fileHost>[0] & { root?: string } = {}): Promise<Scene> {
  host = await fileHost({ token: 'SHARE', ...options })
  const pauses: number[] = []
  w = await world({ files: fileHosts({ pauses }) })
  await w.connection.run(
    `create schema seeds; create table seeds.cnae_industries (cnae_prefix varchar, industry varchar)`,
  )
  const context = await w.context(step)
  const home = join(context.paths.root, 'receita')
  const root = options.root === undefined ? '' : `${options.root}/`
  return {
    context,
    home,
    pauses,
    put(month, without = []) {
      for (const [zip, bytes] of months[month]!)
        if (!without.includes(zip)) host.files.set(`${root}${month}/${zip}`, bytes)
    },
    land: (settings = {}, share = {}) => {
      const given = { base_url: host.base_url, token: 'SHARE', root: options.root ?? '', stall_s: 1, ...share }
      const parsed = receita.settings.parse({ path: 'receita', share: given, ...settings })
      return receita.bulk!.land({ ...context, settings: parsed, icp: ANYONE })
    },
    months: async () =>
      (await w.connection.rows<{ snapshot: string }>('select distinct snapshot from _ledger.log.lake order by 1')).map(
        ({ snapshot }) => snapshot,
      ),
  }
}

describe('the share', () => {
  it('gives the newest month, whose zips go when they have landed; a second run asks only for the list', async () => {
    const { put, land, home, months: landed, pauses } = await scene()
    put('2026-07')
    put('2026-08', ['Cnaes.zip'])
    const first = await land()
    expect(first.failures).toEqual([])
    expect(first.text).toContain('the one of 2026-07 is taken')
    expect(await landed()).toEqual(['2026-08-08'])
    expect(await w.connection.rows('select count(*)::int as n from raw.receita_federal__cnaes')).toEqual([{ n: 8 }])
    expect(readdirSync(home)).toEqual(['.months.json'])
    expect(pauses).toEqual([30_000])
    const before = host.sent
    const second = await land()
    expect(second).toMatchObject({
      rows: 0,
      text: expect.stringContaining('2026-08 is the newest complete month, and has landed'),
    })
    expect(host.sent).toBe(before)
  })

  it('keeps the zips when told to, and reads them again for another ICP without a download', async () => {
    const { put, land, home } = await scene()
    put('2026-08')
    await land({ keep_zips: true })
    expect(readdirSync(join(home, '2026-08'))).toHaveLength(37)
    const before = host.sent
    const again = await land({ keep_zips: true, only: { situacao: ['08'] } })
    expect(again.rows).toBeGreaterThan(0)
    expect(host.sent).toBe(before)
  })

  it('lands a month whole when told to: another ICP needs neither zips nor a download', async () => {
    const { put, land, home } = await scene()
    put('2026-08')
    await land({ land_whole: true })
    expect(readdirSync(home)).toEqual(['.months.json'])
    const before = host.sent
    const again = await land({ land_whole: true, only: { situacao: ['08'] } })
    expect(again.rows).toBeGreaterThan(0)
    expect(host.sent).toBe(before)
    expect(
      await w.connection.rows('select distinct situacao_cadastral as s from raw.receita_federal__estabelecimentos'),
    ).toEqual([{ s: '08' }])
  })

  it('finds the months below a root, also on a page of links', async () => {
    const { put, land, months: landed } = await scene({ listing: 'html', root: 'Dados/Cadastros/CNPJ', base: '' })
    put('2026-07')
    expect((await land({}, { listing: 'html' })).failures).toEqual([])
    expect(await landed()).toEqual(['2026-07-11'])
  })

  it('gives the month that is asked for', async () => {
    const { put, land, months: landed } = await scene()
    put('2026-06')
    put('2026-07')
    await land({ month: '2026-06' })
    expect(await landed()).toEqual(['2026-06-13'])
  })

  it('passes over a month that is not complete', async () => {
    const { put, land, months: landed } = await scene()
    put('2026-07')
    put('2026-08', ['Socios3.zip', 'Simples.zip'])
    expect((await land()).text).toContain('2026-08 is not complete: no Socios3.zip, Simples.zip')
    expect(await landed()).toEqual(['2026-07-11'])
  })

  it.each([
    ['between two listings', 3],
    ['while it is fetched', 4],
  ])('passes over a month that grows %s', async (_when, listing) => {
    const { put, land, months: landed } = await scene()
    put('2026-07')
    put('2026-08')
    host.listed = (path, nth) => {
      if (path === '2026-08/' && nth >= listing) {
        host.files.set(
          '2026-08/Socios9.zip',
          Buffer.concat([months['2026-08']!.get('Socios9.zip')!, Buffer.alloc(nth)]),
        )
      }
    }
    expect((await land()).text).toContain('2026-08 is still growing')
    expect(await landed()).toEqual(['2026-07-11'])
  })

  it('fetches again what came damaged, and only that', async () => {
    const { put, land, home, months: landed } = await scene()
    put('2026-08')
    const whole = months['2026-08']!.get('Empresas3.zip')!
    host.files.set(
      '2026-08/Empresas3.zip',
      Buffer.from(whole.map((byte, at) => (at > 60 && at < 90 ? byte ^ 255 : byte))),
    )
    const broken = await land()
    expect(broken.failures).toHaveLength(1)
    expect(broken.text).toContain('what is damaged is fetched again')
    expect(existsSync(join(home, '2026-08', 'Empresas3.zip'))).toBe(false)
    host.files.set('2026-08/Empresas3.zip', whole)
    const before = host.sent
    const mended = await land()
    expect(mended.failures).toEqual([])
    expect(host.sent - before).toBe(whole.length)
    expect(await landed()).toEqual(['2026-08-08'])
    expect(readdirSync(home)).toEqual(['.months.json'])
  })

  it('says what is wrong when the token is, or no month is there, and lands nothing', async () => {
    const { put, land, months: landed } = await scene()
    put('2026-07', ['Empresas0.zip'])
    await expect(land()).rejects.toThrow(
      /no complete month is at the root of the share: 2026-07 is not complete: no Empresas0.zip/,
    )
    await expect(land({}, { token: 'OLD' })).rejects.toThrow(RemoteError)
    await expect(land({}, { root: 'elsewhere' })).rejects.toThrow(/elsewhere\/ answers 404/)
    expect(await landed()).toEqual([])
  })

  it('tells bytes, rate and time left as it fetches and as it reads', async () => {
    const { put, context } = await scene()
    put('2026-08')
    let clock = Date.parse('2026-11-22T12:00:00Z')
    const seen: string[] = []
    const icp = ANYONE
    const settings = receita.settings.parse({ path: 'receita', share: { base_url: host.base_url, token: 'SHARE' } })
    const now = () => {
      clock += 10
      return new Date(clock)
    }
    await receita.bulk!.land({ ...context, now, progress: (text) => seen.push(text), settings, icp })
    expect(seen).toContainEqual(
      expect.stringMatching(/^fetching Empresas0\.zip {2}\d+ of \d+ MB, \d+\.\d MB\/s, \d+ s left$/),
    )
    expect(seen).toContainEqual(
      expect.stringMatching(/^Estabelecimentos3\.zip {2}\d+ rows, \d+ of \d+ MB, \d+\.\d MB\/s, \d+ s left$/),
    )
  })
})
