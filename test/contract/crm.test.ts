import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Problem, RemoteError } from '../../pipeline/errors.ts'
import { parseYaml } from '../../pipeline/yaml.ts'
import { loadCrm } from '../../sync/crms.ts'
import { CrmError } from '../../sync/define.ts'
import { readMappings } from '../../sync/mapping.ts'
import type { CrmRow, Link } from '../../sync/records.ts'
import { type CrmStandIn, type OpenCrm, openCrm } from '../helpers/crm-scene.ts'

const names = readdirSync('sync/crms')
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3))

describe.each(names)('crm %s', async (name) => {
  const crm = (await loadCrm(name))!
  const { open } = (await import(`../fixtures/crms/${name}.ts`)) as { open(): Promise<CrmStandIn> }

  const opened: OpenCrm[] = []
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close()
  })
  /** A CRM that holds nothing yet, set up. */
  async function empty() {
    const standIn = await open()
    const one = await openCrm(name, crm, standIn)
    opened.push(one)
    for (const [object, { own }] of Object.entries(crm.objects))
      if (own.length > 0) await one.session.create(object, own)
    return { standIn, ...one }
  }
  type Empty = Awaited<ReturnType<typeof empty>>

  /** Makes what the n-th record hangs on; answers its row. */
  async function rowOf({ standIn, session, row }: Empty, object: string, n: number): Promise<CrmRow> {
    const links: Link[] = []
    for (const parent of standIn.objects[object]!.parents) {
      const made = row(parent, n, {
        record_id: `${object}_of_${parent}_${n}`,
        fields: standIn.objects[parent]!.fields(1000 + n),
      })
      const [outcome] = await session.upsert(parent, [made])
      expect(outcome).toMatchObject({ status: 'done' })
      links.push({ object: parent, crm_id: outcome!.crm_id! })
    }
    return row(object, n, { links: links.filter((link) => crm.objects[object]!.links[link.object] === 'inline') })
  }

  test('says what it is', async () => {
    const { session, standIn, root, again } = await empty()
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/)
    expect(crm.title).not.toBe('')
    expect(z.url().safeParse(crm.docs).success).toBe(true)
    expect(crm.batch).toBeGreaterThan(0)
    expect(crm.settings.safeParse({ no_such_setting: 1 }).success).toBe(false)
    const { account } = await session.identity()
    expect(account).toBe(crm.account(crm.settings.parse(standIn.settings(root))))
    if (standIn.wrong_account !== null) {
      const other = standIn.wrong_account(root)
      expect((await again(other).identity()).account).not.toBe(crm.account(crm.settings.parse(other)))
    }
    if (standIn.wrong_key !== null) await expect(again(standIn.wrong_key(root)).identity()).rejects.toSatisfy(isSaid)
    expect((await session.owners()).map(({ email }) => email).sort()).toEqual([...standIn.owners].sort())
  })

  test('has objects whose parts agree', () => {
    for (const [object, { keyed, reserved, links, own }] of Object.entries(crm.objects)) {
      for (const parent of Object.keys(links))
        expect(Object.keys(crm.objects), `${object} hangs on ${parent}`).toContain(parent)
      for (const property of own) expect(property.name, object).toMatch(/^[A-Za-z][A-Za-z0-9_]*$/)
      if (keyed && own.length > 0) expect(own.filter(({ unique }) => unique).map((each) => each.name)).toHaveLength(1)
      expect(reserved).toEqual(expect.arrayContaining(own.filter(({ unique }) => unique).map((each) => each.name)))
    }
  })

  test('has mappings that read without a problem, each for an object of its own', () => {
    const problems: Problem[] = []
    const mappings = readMappings(process.cwd(), { name, crm: name }, crm, problems)
    expect(problems).toEqual([])
    expect(mappings.length).toBeGreaterThan(0)
  })

  test('tells, before anything is written, what it takes; what is missing can be made, and made again', async () => {
    const { session, standIn } = await empty()
    for (const [object, { own }] of Object.entries(crm.objects)) {
      await session.create(object, own)
      const { properties } = await session.describe(object)
      if (properties === null) continue
      const known = new Map(properties.map((property) => [property.name, property]))
      for (const property of own)
        expect(known.get(property.name), `${object}.${property.name}`).toMatchObject({ type: property.type })
      const scene = standIn.objects[object]
      for (const used of Object.keys(scene?.fields(1) ?? {}))
        expect(known.get(used)?.writable ?? true, used).not.toBe(false)
    }
  })

  test('makes no request that writes, to say what it holds', async () => {
    const { standIn, session, pull, row } = await empty()
    const before = standIn.writes()
    await session.identity()
    await session.owners()
    for (const [object, { pull: how }] of Object.entries(crm.objects)) {
      await session.describe(object)
      if (how !== 'never') await pull(object)
    }
    for (const object of Object.keys(standIn.objects)) {
      await session.read(object, ['1234567890'])
      const { record_id } = row(object, 1)
      await session.find(object, [{ record_id, email: 'no@body.example', domain: 'no.example', cnpj: null, links: [] }])
    }
    expect(standIn.writes()).toBe(before)
  })

  describe.each(Object.keys(crm.objects))('%s', (object) => {
    const { keyed, pull: how, finds } = crm.objects[object]!
    /** What the stand-in has no scene for is read only. */
    async function written() {
      const one = await empty()
      return { ...one, scene: one.standIn.objects[object] }
    }

    test('is empty at first', async () => {
      const { session, pull, scene } = await written()
      if (how !== 'never') expect(await pull(object)).toEqual([])
      if (scene === undefined) return
      expect(await session.upsert(object, [])).toEqual([])
      expect(await session.read(object, [])).toEqual([])
      expect(await session.find(object, [])).toEqual([])
      expect(await session.read(object, ['1234567890'])).toEqual([null])
    })

    test('answers one outcome for each row, in the same order, and shows what was written, under our id', async () => {
      const one = await written()
      if (one.scene === undefined) return
      const rows = [await rowOf(one, object, 3), await rowOf(one, object, 1), await rowOf(one, object, 2)]
      const outcomes = await one.session.upsert(object, rows)
      expect(outcomes).toMatchObject(rows.map(() => ({ status: 'done', crm_id: expect.any(String) as string })))
      await one.standIn.settle()
      const ids = outcomes.map(({ crm_id }) => crm_id!)
      const shown = [await one.session.read(object, ids)]
      if (how !== 'never') {
        const pulled = new Map((await one.pull(object)).map((record) => [record.crm_id, record]))
        shown.push(ids.map((id) => pulled.get(id) ?? null))
      }
      for (const records of shown) {
        for (const [index, record] of records.entries()) {
          expect(record).toMatchObject({
            crm_id: ids[index],
            record_id: rows[index]!.record_id,
            fields: rows[index]!.fields,
          })
        }
      }
    })

    test('makes no second record when a batch is sent again', async () => {
      const one = await written()
      if (one.scene === undefined || !keyed) return
      const rows = [await rowOf(one, object, 1), await rowOf(one, object, 2)]
      const first = await one.session.upsert(object, rows)
      const again = await one.again().upsert(object, rows)
      expect(again.map(({ status, crm_id }) => [status, crm_id])).toEqual(
        first.map(({ status, crm_id }) => [status, crm_id]),
      )
      await one.standIn.settle()
      if (how === 'never') return
      const mine = (await one.pull(object)).filter(({ record_id }) => rows.some((row) => row.record_id === record_id))
      expect(mine).toHaveLength(2)
    })

    test('finds what bears no key of ours by our mark, so that it is not made twice', async () => {
      const one = await written()
      if (one.scene === undefined || keyed) return
      const row = await rowOf(one, object, 1)
      const [made] = await one.session.upsert(object, [row])
      const wanted = { record_id: row.record_id, email: null, domain: null, cnpj: null, links: row.links }
      const [found, none] = await one.again().find(object, [wanted, { ...wanted, record_id: `${object}_2` }])
      expect(found).toMatchObject([{ crm_id: made!.crm_id, record_id: row.record_id, fields: row.fields }])
      expect(none).toEqual([])
    })

    test('writes only the fields given; null empties', async () => {
      const one = await written()
      if (one.scene === undefined) return
      const { text, other } = one.scene
      const row = await rowOf(one, object, 1)
      const [made] = await one.session.upsert(object, [{ ...row, fields: { ...row.fields, [other]: 'Recife' } }])
      const crm_id = made!.crm_id
      await one.session.upsert(object, [{ ...row, crm_id, links: [], fields: { [text]: 'Changed' } }])
      expect(await one.session.read(object, [crm_id!])).toMatchObject([
        { fields: { ...row.fields, [text]: 'Changed', [other]: 'Recife' } },
      ])
      await one.session.upsert(object, [{ ...row, crm_id, links: [], fields: { [other]: null } }])
      const [emptied] = await one.session.read(object, [crm_id!])
      expect(emptied!.fields[other] ?? null).toBeNull()
    })

    test('refuses a row with code, property and words, and takes the others of the batch', async () => {
      const one = await written()
      if (one.scene?.refused == null) return
      const { fields, property } = one.scene.refused
      const good = [await rowOf(one, object, 1), await rowOf(one, object, 3)]
      const bad = await rowOf(one, object, 2)
      const outcomes = await one.session.upsert(object, [
        good[0]!,
        { ...bad, fields: { ...bad.fields, ...fields } },
        good[1]!,
      ])
      expect(outcomes.map(({ status }) => status)).toEqual(['done', 'rejected', 'done'])
      expect(outcomes[1]).toMatchObject({
        code: expect.stringMatching(/./) as string,
        property,
        message: expect.stringMatching(/./) as string,
      })
    })

    test('finds a record of others by what it is known by, and takes it over', async () => {
      const one = await written()
      const keys = Object.entries(finds) as ['email' | 'domain' | 'cnpj', string][]
      if (one.scene === undefined || keys.length === 0) return
      for (const [index, [key, property]] of keys.entries()) {
        const value = { email: `x${index}@known.example`, domain: `known${index}.example`, cnpj: '11222333000181' }[key]
        const theirs = await one.standIn.people.make(one.root, object, {
          ...one.scene.fields(50 + index),
          [property]: value,
        })
        await one.standIn.settle()
        const wanted = { record_id: 'mine', email: null, domain: null, cnpj: null, links: [], [key]: value }
        const found = await one.session.find(object, [
          { ...wanted, [key]: key === 'cnpj' ? '99888777000100' : `not.${value}` },
          wanted,
        ])
        expect(found).toMatchObject([[], [{ crm_id: theirs, record_id: null }]])
        const row = one.row(object, 1, {
          record_id: `taken_${index}`,
          crm_id: theirs,
          fields: { [one.scene.text]: 'Ours now' },
        })
        expect(await one.session.upsert(object, [row])).toMatchObject([{ status: 'done', crm_id: theirs }])
        expect(await one.session.read(object, [theirs])).toMatchObject([
          { record_id: `taken_${index}`, fields: { [one.scene.text]: 'Ours now' } },
        ])
      }
    })

    test('sees what people do: edits, deletions, merges', async () => {
      const one = await written()
      if (one.scene === undefined || how === 'never') return
      const rows = await Promise.all([1, 2, 3, 4].map((n) => rowOf(one, object, n)))
      const [edited, removed, loser, winner] = (await one.session.upsert(object, rows)).map(({ crm_id }) => crm_id!)
      const { people, settle } = one.standIn
      const merge = one.scene.merges === false ? null : people.merge
      await settle()
      const since =
        (await one.pull(object))
          .map(({ modified_at }) => modified_at ?? '')
          .sort()
          .at(-1) || null
      await people.edit(one.root, object, edited!, { [one.scene.text]: 'Typed by hand' })
      await people.remove(one.root, object, removed!)
      if (merge !== null) await merge(one.root, object, loser!, winner!)
      await settle()
      const [now, gone, merged] = await one.again().read(object, [edited!, removed!, loser!])
      expect(now).toMatchObject({ fields: { [one.scene.text]: 'Typed by hand' } })
      expect(gone).toBeNull()
      if (merge !== null) expect(merged).toMatchObject({ crm_id: winner })
      const told = new Map((await one.pull(object, since)).map((record) => [record.crm_id, record]))
      expect(told.get(edited!)).toMatchObject({ fields: { [one.scene.text]: 'Typed by hand' } })
      if (how === 'changes') expect(told.get(removed!)).toMatchObject({ deleted: true })
      else expect(told.has(removed!)).toBe(false)
      if (merge !== null) expect(told.get(loser!)).toMatchObject({ deleted: true, merged_into: winner })
    })

    test('hangs records on others, once', async () => {
      const one = await written()
      if (one.scene === undefined) return
      for (const [parent, links] of Object.entries(crm.objects[object]!.links)) {
        if (one.standIn.objects[parent] === undefined || links !== 'apart') continue
        const [own] = await one.session.upsert(object, [await rowOf(one, object, 1)])
        const [other] = await one.session.upsert(parent, [await rowOf(one, parent, 7)])
        const pair = { from_id: own!.crm_id!, to_id: other!.crm_id! }
        expect(await one.session.link(object, parent, [pair])).toMatchObject([{ status: 'done' }])
        expect(await one.session.link(object, parent, [pair])).toMatchObject([{ status: 'done' }])
        if (how === 'never') continue
        await one.standIn.settle()
        const [record] = (await one.pull(object)).filter(({ crm_id }) => crm_id === pair.from_id)
        expect(record!.links).toContainEqual({ object: parent, crm_id: pair.to_id })
      }
    })

    test('archives and erases', async () => {
      const one = await written()
      if (one.scene === undefined) return
      const rows = [await rowOf(one, object, 1), await rowOf(one, object, 2)]
      const [first, second] = (await one.session.upsert(object, rows)).map(({ crm_id }) => crm_id!)
      expect(await one.session.archive(object, [first!])).toMatchObject([{ status: 'done' }])
      expect(await one.session.erase(object, [second!])).toMatchObject([{ status: 'done' }])
      expect(await one.session.read(object, [first!, second!])).toEqual([null, null])
      expect((await one.session.archive(object, [first!])).map(({ status }) => status)).toSatisfy(
        ([status]: string[]) => status === 'gone' || status === 'done',
      )
    })
  })
})

/** What a CRM may fail with. */
function isSaid(error: unknown): boolean {
  return error instanceof CrmError || error instanceof RemoteError
}

/** The CRM of a folder: its name, or that of an instance of it that we ship mappings for (`salesforce_leads`). */
const crmOf = (folder: string) => names.find((name) => folder === name || folder.startsWith(`${name}_`))

test.each(readdirSync('sync/mappings'))(
  'the mappings of %s belong to a CRM and read without a problem',
  async (folder) => {
    const crm = crmOf(folder)
    expect(crm).toBeDefined()
    const problems: Problem[] = []
    readMappings(process.cwd(), { name: folder, crm: crm! }, (await loadCrm(crm!))!, problems)
    expect(problems).toEqual([])
  },
)

describe('mappings name columns that their mart describes', () => {
  const files = readdirSync('sync/mappings').flatMap((crm) =>
    readdirSync(join('sync/mappings', crm)).map((file) => `${crm}/${file}`),
  )

  const mapped = z.looseObject({ from: z.string().optional(), value: z.unknown().optional() })

  test.each(files)('%s', (file) => {
    const mapping = z
      .object({ from: z.string(), key: z.string(), fields: z.record(z.string(), mapped) })
      .extend({
        match: z.record(z.string(), z.string()).default({}),
        links: z.record(z.string(), z.string()).default({}),
      })
      .parse(parseYaml(file, readFileSync(join('sync/mappings', file), 'utf8'), [])!.data)
    const twin = `models/marts/${mapping.from}.yml`
    expect(existsSync(twin), twin).toBe(true)
    const described = z
      .object({ models: z.array(z.object({ columns: z.array(z.object({ name: z.string() })) })) })
      .parse(parseYaml(twin, readFileSync(twin, 'utf8'), [])!.data)
    const columns = described.models.flatMap((model) => model.columns.map(({ name }) => name))
    const fields = Object.entries(mapping.fields).filter(([, { value }]) => value === undefined)
    const named = [
      mapping.key,
      ...fields.map(([name, { from }]) => from ?? name),
      ...Object.values(mapping.match),
      ...Object.keys(mapping.links),
    ]
    expect(named.filter((column) => !columns.includes(column))).toEqual([])
  })
})
