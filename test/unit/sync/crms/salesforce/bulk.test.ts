import { afterEach, describe, expect, it } from 'vitest'
import salesforce from '../../../../../sync/crms/salesforce.ts'
import type { CrmRow, Outcome } from '../../../../../sync/records.ts'
import { drawFaults } from '../../../../fakes/faults.ts'
import { type Org, salesforceOrg } from '../../../../fakes/salesforce/org.ts'
import { open as openFixture } from '../../../../fixtures/crms/salesforce.ts'
import { type OpenCrm, openCrm } from '../../../../helpers/crm-scene.ts'

const opened: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

async function scene(own: Record<string, unknown> = {}) {
  const org = await salesforceOrg()
  org.bulk.patience = 1
  const { client_id, client_secret } = org.login
  const settings = {
    login_url: org.base_url,
    client_id,
    client_secret,
    org_id: org.org_id,
    timeout_s: 0.5,
    bulk_above: 20,
    ...own,
  }
  const standIn = await openFixture()
  await standIn.close()
  const crm = await openCrm('salesforce', salesforce, {
    ...standIn,
    settings: () => settings,
    close: () => org.close(),
  })
  opened.push(() => crm.close())
  return { org, ...crm } as { org: Org } & OpenCrm
}

const row = (n: number, change: Partial<CrmRow> = {}): CrmRow => ({
  ...{
    record_id: `co_${n}`,
    crm_id: null,
    fields: { Name: `Company, "${n}"\nof two lines`, Phone: `${n}` },
    links: [],
    ...change,
  },
})
const rows = (count: number) => Array.from({ length: count }, (_, n) => row(n))
const jobs = (org: Org) => org.store.all('#job').map(({ operation, state }) => [operation, state])
const madeOf = (org: Org) =>
  org.journal.applies().filter(({ act, by, object }) => act === 'create' && by === 'api' && object === 'Account')

describe('Bulk API 2.0', () => {
  it('takes what is more than a few calls, and joins results that come in another order', async () => {
    const { session, org } = await scene()
    const all = rows(120)
    all[7] = row(7, { fields: { Name: 'x'.repeat(300) } })
    const outcomes = await session.upsert('accounts', all)
    expect(outcomes[7]).toMatchObject({ status: 'rejected', code: 'STRING_TOO_LONG', property: 'Name' })
    for (const [index, { status, crm_id }] of outcomes.entries()) {
      if (index === 7) continue
      expect([status, org.store.get('Account', crm_id!)?.Lead_Engine_Id__c]).toEqual(['done', `co_${index}`])
    }
    expect(jobs(org)).toEqual([['upsert', 'JobComplete']])
    expect(org.store.by('Account', 'Lead_Engine_Id__c', 'co_3')).toMatchObject([{ Name: 'Company, "3"\nof two lines' }])
    expect(org.journal.requests().filter(({ path }) => path.includes('/composite/'))).toEqual([])
  })

  it('changes known ones by their id, leaves alone what a row does not name, and empties what it says is nothing', async () => {
    const { session, org } = await scene()
    const ids = (await session.upsert('accounts', rows(30))).map(({ crm_id }) => crm_id)
    const changes = ids.map((crm_id, n) =>
      row(n, { crm_id, fields: n % 2 ? { Phone: null } : { Website: 'a.example' } }),
    )
    const made = row(99, { fields: { Name: 'New' } })
    const outcomes = await session.upsert('accounts', [...changes, made])
    expect(outcomes.every(({ status }) => status === 'done')).toBe(true)
    expect(jobs(org)).toEqual([
      ['upsert', 'JobComplete'],
      ['upsert', 'JobComplete'],
      ['update', 'JobComplete'],
    ])
    expect(org.store.get('Account', ids[1]!)).toMatchObject({ Name: 'Company, "1"\nof two lines', Phone: null })
    expect(org.store.get('Account', ids[2]!)).toMatchObject({ Phone: '2', Website: 'a.example' })
    expect(madeOf(org)).toHaveLength(31)
  })

  it('finishes by hand what a job did not come to, what was locked, and what was merged', async () => {
    const { session, org } = await scene()
    const ids = (await session.upsert('accounts', rows(40))).map(({ crm_id }) => crm_id!)
    const stays = org.people.make('Account', { Name: 'Stays' })
    org.people.merge('Account', stays.Id, [ids[3]!])
    org.people.remove('Account', ids[4]!)
    org.bulk.failing.push({ after: 0.5, message: 'ApiBatchItems Limit exceeded.' })
    const outcomes = await session.upsert(
      'accounts',
      ids.map((crm_id, n) => row(n, { crm_id, fields: { Phone: 'new' } })),
    )
    const expected = (index: number): Partial<Outcome> =>
      index === 3
        ? { status: 'done', crm_id: stays.Id }
        : index === 4
          ? { status: 'gone' }
          : { status: 'done', crm_id: ids[index] }
    for (const [index, outcome] of outcomes.entries()) expect(outcome).toMatchObject(expected(index))
    expect(
      org.store
        .all('Account')
        .filter(({ IsDeleted }) => IsDeleted !== true)
        .every(({ Phone }) => Phone === 'new'),
    ).toBe(true)
    expect(madeOf(org)).toHaveLength(40)
  })

  it('pages through results', async () => {
    const { session, org } = await scene({ timeout_s: 5 })
    const outcomes = await session.upsert('accounts', rows(2_500))
    expect(outcomes.every(({ status }) => status === 'done')).toBe(true)
    expect(org.journal.requests().filter(({ path }) => path.endsWith('/successfulResults')).length).toBeGreaterThan(1)
  })

  it('says so when the org takes no such column', async () => {
    const { session } = await scene()
    const strange = rows(30).map((each) => ({ ...each, fields: { ...each.fields, Nonsense__c: 'x' } }))
    await expect(session.upsert('accounts', strange)).rejects.toThrow(
      /InvalidBatch : Field name not found : Nonsense__c.*Mend the mapping/,
    )
  })

  const STATES = ['nothing', 'opened', 'uploaded', 'UploadComplete', 'InProgress', 'JobComplete'] as const

  it.each(STATES)('killed when the job was at %s: another process comes to the same end', async (state) => {
    const { session, org, again } = await scene()
    const all = rows(60)
    const stopAt = { nothing: 0, opened: 1, uploaded: 2, UploadComplete: 3, InProgress: 4, JobComplete: 5 }[state]
    let seen = 0
    // The process that dies hears nothing any more; what it sent before has happened.
    org.faults({
      next: (request) => {
        if (!request.includes('/jobs/ingest/') && !request.startsWith('POST')) return null
        if (/oauth/.test(request)) return null
        if (state === 'nothing') return 'reset before'
        return ++seen > stopAt ? 'reset before' : null
      },
    })
    if (state !== 'nothing') org.bulk.patience = state === 'UploadComplete' ? 1_000 : state === 'InProgress' ? 1 : 0
    await session.upsert('accounts', all).catch(() => undefined)
    org.faults({ next: () => null })
    org.bulk.patience = 1
    const next = again()
    const held: string[] = []
    for await (const records of next.pull('accounts', null)) held.push(...records.map(({ record_id }) => record_id!))
    expect(jobs(org).filter(([, at]) => at === 'UploadComplete' || at === 'InProgress')).toEqual([])
    const outcomes = await next.upsert('accounts', all)
    expect(outcomes.every(({ status }) => status === 'done')).toBe(true)
    expect(
      madeOf(org)
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual(all.map(({ record_id }) => record_id).toSorted())
    expect(held.every((key) => all.some(({ record_id }) => record_id === key))).toBe(true)
  })

  it.each([21, 22])('under faults, seed %i: each record once', async (seed) => {
    const { org, again } = await scene()
    const kinds = [
      'reset before',
      'reset after',
      'hang after',
      '502 after',
      '500',
      'truncated',
      'html page',
      'session expired',
    ]
    org.faults(drawFaults({ seed, share: 0.25, kinds, target: /jobs|composite|query/ }))
    const all = rows(400)
    let left = all
    for (let run = 0; run < 12 && left.length > 0; run++) {
      const outcomes = await again()
        .upsert('accounts', left)
        .catch(() => left.map(() => ({ status: 'unknown' })))
      left = left.filter((_, index) => outcomes[index]!.status !== 'done')
    }
    expect(left).toEqual([])
    expect(
      madeOf(org)
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual(all.map(({ record_id }) => record_id).toSorted())
    const phones = new Map(org.store.all('Account').map((each) => [each.Lead_Engine_Id__c, each.Phone]))
    expect(all.filter(({ record_id, fields }) => phones.get(record_id) !== fields.Phone)).toEqual([])
  })
})
