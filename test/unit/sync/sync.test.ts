import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { MemoryCrm } from '../../helpers/memory-crm.ts'
import { MAPPINGS, type SyncScene, syncScene } from '../../helpers/sync-scene.ts'

const open: SyncScene[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

async function scene(crm = new MemoryCrm(), mappings: Record<string, string> = MAPPINGS, batch?: number) {
  const one = await syncScene({ memory: crm }, mappings, batch)
  open.push(one)
  return { crm, ...one }
}

const acts = (crm: MemoryCrm) => crm.journal.map(({ act, object }) => `${act} ${object}`)

test('parents are made before children, and hung on them once', async () => {
  const { crm, fill, run } = await scene()
  await fill(2)
  const { counts, failures } = await run()
  expect(failures).toEqual([])
  expect(counts).toMatchObject({ create: 8, linked: 4 })
  expect(acts(crm)).toEqual([
    ...Array(2).fill('create companies'),
    ...Array(2).fill('create contacts'),
    ...Array(2).fill('create deals'),
    ...Array(2).fill('create notes'),
    ...Array(2).fill('link contacts'),
    ...Array(2).fill('link deals'),
  ])
  const [deal] = crm.of('deals')
  expect(deal).toMatchObject({ fields: { stage: 'hot', brief: 'Brief 1' } })
  expect(deal!.links).toEqual([
    { object: 'companies', crm_id: crm.of('companies')[0]!.crm_id },
    { object: 'contacts', crm_id: crm.of('contacts')[0]!.crm_id },
  ])
  expect(crm.of('notes')[0]!.links).toEqual([{ object: 'deals', crm_id: deal!.crm_id }])
})

test('with nothing changed nothing is written; what changed is all that is sent', async () => {
  const { crm, fill, run } = await scene()
  await fill(300)
  await run()
  crm.journal.length = 0
  for (let times = 0; times < 2; times++)
    expect((await run()).counts).toMatchObject({ create: 0, update: 0, linked: 0 })
  expect(crm.journal).toEqual([])
  await fill(300, (n) => (n <= 137 ? { size: 11 } : undefined))
  crm.calls.length = 0
  await run()
  expect(crm.journal).toHaveLength(137)
  expect(crm.journal.every(({ fields }) => JSON.stringify(fields) === '{"size":11}')).toBe(true)
  expect(crm.calls.filter(({ call }) => call === 'upsert')).toEqual([
    { call: 'upsert', object: 'companies', rows: 137 },
  ])
})

test('a reading that lags behind makes nothing of our own writes into somebody’s', async () => {
  const { crm, fill, run } = await scene()
  await fill(3)
  await run()
  crm.lag = 3_600_000
  await fill(3, () => ({ name: 'Renamed' }))
  await run()
  crm.journal.length = 0
  expect((await run()).counts).toMatchObject({ update: 0, conflicts: 0 })
  expect(crm.journal).toEqual([])
})

test('one note a deal, changed and never doubled, also when its answer is lost', async () => {
  const { crm, fill, run, set } = await scene()
  await fill(2)
  crm.fault = (call) => (call === 'upsert' && crm.journal.at(-1)?.object === 'deals' ? 'after' : undefined)
  const first = await run().catch((error: Error) => error)
  crm.fault = () => undefined
  expect(JSON.stringify(first)).toContain('broke off')
  expect(crm.of('notes')).toHaveLength(2)
  await run()
  await set('fct_scored_leads', [
    {
      lead_id: 'led_1',
      company_id: 'cmp_1',
      contact_id: 'con_1',
      tier: 'A',
      qualification_status: 'qualified',
      deal_brief: 'Newer',
    },
  ])
  await run()
  expect(crm.of('notes').map(({ fields }) => fields.brief)).toEqual(['Newer', 'Brief 2'])
})

describe('what was there before us', () => {
  test('is adopted by domain and e-mail: stamped, filled, not overwritten, not doubled', async () => {
    const { crm, fill, run } = await scene()
    const theirs = crm.put('companies', { name: 'Theirs', domain: 'c1.example' })
    const person = crm.put('contacts', { name: 'Somebody', email: 'p1@c1.example' })
    await fill(1)
    await run()
    expect(crm.of('companies')).toMatchObject([
      { crm_id: theirs, record_id: 'cmp_1', fields: { name: 'Theirs', size: 10 } },
    ])
    expect(crm.of('contacts')).toMatchObject([{ crm_id: person, record_id: 'con_1', fields: { name: 'Somebody' } }])
    expect(crm.of('deals')).toMatchObject([{ links: [{ crm_id: theirs }, { crm_id: person }] }])
  })

  test('is seen although it was made after the pull', async () => {
    const { crm, fill, run } = await scene()
    await fill(1)
    await run({ live: false })
    const theirs = crm.put('companies', { name: 'Theirs', domain: 'c1.example' })
    await run({ pulls: false })
    expect(crm.of('companies')).toMatchObject([{ crm_id: theirs, record_id: 'cmp_1' }])
  })

  test('is left to a person where several may be it; the answer is followed', async () => {
    const { crm, fill, run, questions, decide } = await scene()
    crm.put('companies', { name: 'One', domain: 'c1.example' })
    const second = crm.put('companies', { name: 'Two', domain: 'c1.example' })
    await fill(1)
    const { counts } = await run()
    expect(counts).toMatchObject({ ambiguous: 1 })
    expect(acts(crm).filter((act) => act.endsWith('companies'))).toEqual([])
    const [asked] = await questions()
    expect(asked).toMatchObject({
      kind: 'crm_record',
      record_id: 'cmp_1',
      candidates: expect.arrayContaining([second]) as string[],
    })
    await decide(String(asked!.item_id), 'crm_record', second)
    await run()
    expect(crm.of('companies').filter(({ record_id }) => record_id === 'cmp_1')).toMatchObject([{ crm_id: second }])
    expect(crm.of('companies')).toHaveLength(2)
    expect(await questions()).toEqual([])
  })
})

describe('what people do', () => {
  test('a changed field stays theirs and is asked about; their word counts', async () => {
    const { crm, fill, run, questions, decide } = await scene()
    await fill(2)
    await run()
    const [one, two] = crm.of('companies')
    crm.edit('companies', one!.crm_id, { name: 'Typed', size: 99 })
    crm.edit('companies', two!.crm_id, { name: 'Typed too' })
    await fill(2, (n) => ({ name: `Renamed ${n}` }))
    expect((await run()).counts).toMatchObject({ conflicts: 3 })
    expect(crm.of('companies')).toMatchObject([
      { fields: { name: 'Typed', size: 10 } },
      { fields: { name: 'Typed too' } },
    ])
    const asked = (await questions()).filter(({ property }) => property === 'name')
    expect(asked).toMatchObject([{ kind: 'crm_conflict' }, { kind: 'crm_conflict' }])
    for (const { item_id, record_id } of asked)
      await decide(String(item_id), 'crm_conflict', record_id === 'cmp_1' ? 'ours' : 'theirs')
    await run()
    expect(crm.of('companies')).toMatchObject([{ fields: { name: 'Renamed 1' } }, { fields: { name: 'Typed too' } }])
    expect(await questions()).toEqual([])
  })

  test('an edit between pull and write is seen', async () => {
    const { crm, fill, run } = await scene()
    await fill(1)
    await run()
    await fill(1, () => ({ name: 'Renamed' }))
    const [company] = crm.of('companies')
    crm.edit('companies', company!.crm_id, { name: 'Typed just now' })
    await run({ pulls: false })
    expect(crm.of('companies')[0]!.fields.name).toBe('Typed just now')
  })

  test('a merged record is followed, its children too; two of ours in one are left alone', async () => {
    const { crm, fill, run } = await scene()
    await fill(2)
    await run()
    const stranger = crm.put('companies', { name: 'Winner' })
    const [one, two] = crm.of('companies').filter(({ record_id }) => record_id !== null)
    crm.remove('companies', one!.crm_id, stranger)
    await fill(2, () => ({ size: 77 }))
    await run()
    expect(crm.of('companies').find(({ crm_id }) => crm_id === stranger)).toMatchObject({
      record_id: 'cmp_1',
      fields: { size: 77 },
    })
    crm.remove('companies', two!.crm_id, stranger)
    await fill(2, () => ({ size: 78 }))
    const { counts } = await run()
    expect(counts).toMatchObject({ create: 0 })
    expect(crm.of('companies')).toMatchObject([{ crm_id: stranger, record_id: 'cmp_1', fields: { size: 78 } }])
  })

  test('a deleted record stays away; a contact whose e-mail changed is the same contact', async () => {
    const { crm, fill, run, set } = await scene()
    await fill(2)
    await run()
    crm.remove('companies', crm.of('companies')[0]!.crm_id)
    await set('dim_contacts', [
      { contact_id: 'con_1', company_id: 'cmp_1', full_name: 'Person 1', email: 'new@c1.example' },
    ])
    expect((await run()).counts).toMatchObject({ create: 0, deleted: 1, update: 1 })
    expect(crm.of('companies')).toHaveLength(1)
    expect(crm.of('contacts').map(({ fields }) => fields.email)).toEqual(['new@c1.example', 'p2@c2.example'])
  })
})

describe('rejected rows', () => {
  test('are kept with code, property and words; sent again only when something changed, or on retry', async () => {
    const { crm, fill, run, outcomes } = await scene()
    crm.refuse = (object, { record_id }) =>
      object === 'companies' && record_id === 'cmp_2'
        ? { code: 'BAD', property: 'size', message: 'size is odd\nreally' }
        : undefined
    await fill(3)
    const { failures, counts } = await run()
    expect(failures).toMatchObject([{ kind: 'row', message: expect.stringContaining('BAD size') as string }])
    expect(counts).toMatchObject({ rejected: 1, waiting: 2 })
    const refused = (await outcomes()).find(({ status }) => status === 'rejected')
    expect(refused).toMatchObject({ record_id: 'cmp_2', code: 'BAD', property: 'size', error: 'size is odd\nreally' })
    crm.calls.length = 0
    expect((await run()).counts).toMatchObject({ refused: 1, rejected: 0 })
    expect(crm.calls.filter(({ call, object }) => call === 'upsert' && object === 'companies')).toEqual([])
    expect((await run({ orders: { retry: true } })).counts).toMatchObject({ rejected: 1 })
    crm.refuse = () => undefined
    await fill(3, (n) => (n === 2 ? { size: 12 } : undefined))
    await run()
    expect(
      crm
        .of('companies')
        .map(({ record_id }) => record_id)
        .sort(),
    ).toEqual(['cmp_1', 'cmp_2', 'cmp_3'])
    expect((await outcomes()).filter(({ status }) => status !== 'synced')).toEqual([])
  })

  test('are sent again when the CRM takes something else since', async () => {
    const { crm, fill, run } = await scene()
    crm.refuse = (object) => (object === 'companies' ? { code: 'BAD' } : undefined)
    await fill(1)
    await run()
    crm.refuse = () => undefined
    crm.shapes.companies = { ...crm.shapes.companies!, pipelines: [{ id: 'new', label: 'New', stages: [] }] }
    await run()
    expect(crm.of('companies')).toHaveLength(1)
  })
})

describe('who is not to be touched', () => {
  test('is not made: suppressed, known, or suppressed a moment ago', async () => {
    const { crm, fill, run, exclude, say } = await scene()
    await fill(4)
    await exclude('cmp_1', 'suppressed')
    await exclude('cmp_2', 'customer')
    say('suppress', { action: 'add', by: 'domain', value: 'c3.example' })
    await run()
    expect(crm.of('companies').map(({ record_id }) => record_id)).toEqual(['cmp_4'])
    expect(crm.of('contacts').map(({ record_id }) => record_id)).toEqual(['con_4'])
    expect(crm.of('deals').map(({ record_id }) => record_id)).toEqual(['led_4'])
  })

  test('a customer that is there already is kept up to date, a suppressed company is not', async () => {
    const { crm, fill, run, exclude } = await scene()
    await fill(2)
    await run()
    await exclude('cmp_1', 'suppressed')
    await exclude('cmp_2', 'customer')
    await fill(2, () => ({ size: 20 }))
    await run()
    expect(crm.of('companies').map(({ fields }) => fields.size)).toEqual([10, 20])
  })
})

describe('what stops a sync', () => {
  test('a pause, read before every batch', async () => {
    const { crm, fill, run, say } = await scene(new MemoryCrm(), MAPPINGS, 10)
    await fill(50)
    crm.fault = (call) => {
      if (call === 'upsert' && crm.of('companies').length === 20) say('pause', { what: 'sync' })
      return undefined
    }
    const { unfinished } = await run()
    expect(unfinished).toBe(true)
    expect(crm.of('companies')).toHaveLength(30)
    expect(crm.of('contacts')).toHaveLength(0)
    say('resume', { what: 'sync' })
    await run()
    expect(crm.of('companies')).toHaveLength(50)
    expect(crm.of('notes')).toHaveLength(50)
  })

  test('an opt-out while the batch before is with the CRM', async () => {
    const { crm, fill, run, say } = await scene(new MemoryCrm(), { companies: MAPPINGS.companies! }, 10)
    await fill(30)
    crm.fault = (call) => {
      if (call === 'upsert' && crm.of('companies').length === 10)
        say('suppress', { action: 'add', by: 'domain', value: 'c9.example' })
      return undefined
    }
    const { counts } = await run()
    expect(counts).toMatchObject({ excluded: 1, unknown: 0 })
    expect(crm.of('companies')).toHaveLength(29)
    expect(crm.of('companies').map(({ record_id }) => record_id)).not.toContain('cmp_9')
  })

  test('too much at once, unless somebody says yes', async () => {
    const { crm, fill, run } = await scene()
    await fill(120)
    expect((await run({ guard: { creates: 100 } })).failures).toMatchObject([
      { message: expect.stringContaining('guard') as string },
    ])
    expect(crm.journal).toEqual([])
    await run()
    await fill(120, () => ({ size: 5 }))
    expect((await run({ guard: { share: 0.1 } })).text).toContain('120 of 480 records')
    expect(crm.of('companies')[0]!.fields.size).toBe(10)
    await run({ guard: { share: 0.1 }, orders: { yes: true } })
    expect(crm.of('companies')[0]!.fields.size).toBe(5)
  })

  test('another account, a token that is not accepted', async () => {
    const { crm, fill, run } = await scene()
    await fill(1)
    crm.account = 'acc_2'
    await expect(run()).rejects.toThrow(/account acc_2, the settings name acc_1/)
    crm.account = ''
    await expect(run()).rejects.toThrow(/make another/)
    expect(crm.journal).toEqual([])
  })

  test('a mapping that does not fit what the CRM takes: everything said at once, with file and line', async () => {
    const crm = new MemoryCrm()
    const properties = crm.shapes.companies!.properties!.filter(({ name }) => name !== 'lead_engine_id')
    crm.shapes.companies = {
      properties: [
        ...properties.map((property) =>
          property.name === 'city'
            ? { ...property, options: ['Olinda'] }
            : property.name === 'name'
              ? { ...property, writable: false }
              : property,
        ),
        { name: 'must', label: 'Must', type: 'text', required: true },
      ],
      pipelines: [],
    }
    const mapping = MAPPINGS.companies!.replace('to: size', 'to: sise')
    const { fill, run } = await scene(crm, { ...MAPPINGS, companies: mapping })
    await fill(1)
    const error = (await run().catch((thrown: unknown) => thrown)) as {
      problems: { line: number; message: string; hint?: string }[]
    }
    expect(error.problems.map(({ line, message, hint }) => [line, message, hint])).toEqual([
      [1, expect.stringContaining("no property 'lead_engine_id'"), 'pipeline sync setup'],
      [6, expect.stringContaining("without 'must'"), 'Map it.'],
      [7, expect.stringContaining('read-only'), expect.any(String)],
      [9, expect.stringContaining("does not take 'Recife'"), expect.stringContaining("'Olinda'")],
      [10, expect.stringContaining("no property 'sise'"), 'Did you mean size?'],
    ])
    expect(crm.journal).toEqual([])
  })
})

describe('a plan', () => {
  test('that somebody read is carried out, word for word, and nothing else', async () => {
    const { crm, fill, run, plan, root } = await scene()
    await fill(2)
    await run({ live: false })
    const path = join(root, 'plan.json')
    const { changes, plan_id } = plan()
    writeFileSync(path, JSON.stringify({ plan_id, changes: changes.filter(({ object }) => object === 'companies') }))
    await run({ orders: { apply: path } })
    expect(acts(crm)).toEqual(['create companies', 'create companies'])
  })

  test('is refused when the world moved under it', async () => {
    const { crm, fill, run, plan, root } = await scene()
    await fill(2)
    await run()
    await fill(2, () => ({ size: 42 }))
    await run({ live: false })
    const path = join(root, 'plan.json')
    writeFileSync(path, JSON.stringify(plan()))
    crm.edit('companies', crm.of('companies')[0]!.crm_id, { size: 41 })
    crm.journal.length = 0
    await expect(run({ orders: { apply: path } })).rejects.toThrow(/moved under the plan/)
    await fill(2, () => ({ size: 43 }))
    await expect(run({ orders: { apply: path } })).rejects.toThrow(/moved under the plan/)
    expect(crm.journal).toEqual([])
    await expect(run({ orders: { apply: join(root, 'none.json') } })).rejects.toThrow(/is not there/)
  })

  test('is the same bytes for the same world', async () => {
    const { fill, run, plan } = await scene()
    await fill(3)
    await run({ live: false })
    const before = plan()
    await run({ live: false })
    expect(plan()).toEqual(before)
  })
})

describe('undo', () => {
  test('puts back what a run wrote, but for what somebody changed since, and the next sync leaves it so', async () => {
    const { crm, fill, run, connection } = await scene()
    await fill(2)
    await run()
    await fill(2, (n) => ({ name: `Renamed ${n}`, domain: `c${n}.example` }))
    await run()
    crm.edit('companies', crm.of('companies')[1]!.crm_id, { name: 'Typed' })
    const [write] = await connection.rows<{ sync_id: string }>(
      `select sync_id from raw.sync__writes where record_id = 'cmp_1' and operation = 'update'`,
    )
    await run({ orders: { undo: write!.sync_id } })
    expect(crm.of('companies').map(({ fields }) => fields.name)).toEqual(['Company 1', 'Typed'])
    crm.journal.length = 0
    expect((await run()).counts).toMatchObject({ update: 0, conflicts: 2 })
    expect(crm.journal).toEqual([])
    await expect(run({ orders: { undo: 'syn_nothing' } })).rejects.toThrow(/nothing was written/)
  })

  test('archives what a run made, but for what somebody changed since', async () => {
    const { crm, fill, run } = await scene()
    await fill(2)
    await run()
    crm.edit('companies', crm.of('companies')[1]!.crm_id, { name: 'Typed' })
    const { counts } = await run({ orders: { undo: 'run_000001' } })
    expect(counts).toMatchObject({ archived: 7, left: 1 })
    expect(crm.of('companies').map(({ fields }) => fields.name)).toEqual(['Typed'])
    expect((await run()).counts).toMatchObject({ create: 0 })
  })
})

test('a row that is gone leaves its record, unless the mapping archives; and then only what we made', async () => {
  const { crm, fill, run, set } = await scene()
  const theirs = crm.put('companies', { name: 'Theirs', domain: 'c1.example' })
  await fill(2)
  await run()
  await set('dim_companies', [])
  await set('dim_contacts', [])
  const { counts } = await run()
  expect(counts).toMatchObject({ archive: 1 })
  expect(crm.of('companies')).toMatchObject([{ crm_id: theirs }])
  expect(crm.of('contacts')).toHaveLength(2)
})

test('two CRMs at once: one that fails keeps nothing from the other', async () => {
  const [good, bad] = [new MemoryCrm(), new MemoryCrm()]
  bad.account = 'acc_9'
  const one = await syncScene({ bad, good })
  open.push(one)
  await one.fill(2)
  await one.run()
  expect(good.of('companies')).toHaveLength(2)
  expect(bad.journal).toEqual([])
})
