import { generateKeyPairSync } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import salesforce from '../../../../../sync/crms/salesforce.ts'
import type { CrmRow } from '../../../../../sync/records.ts'
import { always, drawFaults, scripted } from '../../../../fakes/faults.ts'
import { type Org, type OrgOptions, salesforceOrg } from '../../../../fakes/salesforce/org.ts'
import { open as openFixture } from '../../../../fixtures/crms/salesforce.ts'
import { type OpenCrm, openCrm } from '../../../../helpers/crm-scene.ts'

// The judge of everything that is written is the stand-in's journal.

const keys = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})

const opened: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

async function scene(options: OrgOptions = {}, own: Record<string, unknown> = {}) {
  const org = await salesforceOrg(options)
  const { client_id, client_secret } = org.login
  const settings = { login_url: org.base_url, client_id, client_secret, org_id: org.org_id, timeout_s: 2, ...own }
  const standIn = await openFixture()
  await standIn.close()
  const crm = await openCrm('salesforce', salesforce, {
    ...standIn,
    settings: () => settings,
    close: () => org.close(),
  })
  opened.push(() => crm.close())
  return { org, settings, ...crm } as { org: Org; settings: Record<string, unknown> } & OpenCrm
}

const account = (n: number, change: Partial<CrmRow> = {}): CrmRow => ({
  ...{
    record_id: `co_${n}`,
    crm_id: null,
    fields: { Name: `Company ${n}`, Website: `c${n}.example` },
    links: [],
    ...change,
  },
})
const accounts = (count: number) => Array.from({ length: count }, (_, n) => account(n))
const done = (outcomes: readonly { status: string }[]) => outcomes.every(({ status }) => status === 'done')

/** What the journal says of creations: our keys, each as often as it was made. */
function made(org: Org, object: string): string[] {
  const created = org.journal
    .applies()
    .filter(({ act, by, object: on }) => act === 'create' && by === 'api' && on === object)
  return created.map(({ key }) => key!)
}

describe('signing in', () => {
  it('signs an assertion with its key, for the address that it is sent to', async () => {
    const own = { client_secret: undefined, username: 'integration@example.com', private_key: keys.privateKey }
    const { session, org } = await scene({ login: { public_key: keys.publicKey } }, own)
    expect(await session.identity()).toEqual({ account: org.org_id, name: 'Example', time_zone: 'America/Sao_Paulo' })
  })

  it('takes a key whose lines a file of variables has joined', async () => {
    const private_key = keys.privateKey.replaceAll('\n', '\\n')
    const own = { client_secret: undefined, username: 'integration@example.com', private_key }
    expect((await (await scene({ login: { public_key: keys.publicKey } }, own)).session.identity()).name).toBe(
      'Example',
    )
  })

  it('says how to mend what is refused, and shows no secret', async () => {
    const wrong = await scene({}, { client_secret: 'a-secret-that-is-wrong' })
    const error = await wrong.session.identity().catch((each: unknown) => each)
    expect(String(error)).toMatch(/does not let us in \(invalid_client.*Check client_id and client_secret/)
    expect(String(error)).not.toContain('a-secret-that-is-wrong')
    const own = { client_secret: undefined, username: 'nobody@example.com', private_key: keys.privateKey }
    const unknown = await scene({ login: { public_key: keys.publicKey } }, own)
    await expect(unknown.session.identity()).rejects.toThrow(/approved this consumer.*Permitted Users/)
  })

  it('signs in once more when the session has ended, and asks again', async () => {
    const { session, org } = await scene()
    await session.upsert('accounts', [account(1)])
    org.sessions.end()
    expect(await session.upsert('accounts', [account(2)])).toMatchObject([{ status: 'done' }])
    expect(org.journal.requests().filter(({ status }) => status === 401)).toHaveLength(1)
    expect(org.store.all('#session')).toHaveLength(2)
  })

  it.each([
    [{ client_secret: undefined }, 'needs either client_secret'],
    [{ username: 'a@b.example' }, 'belong together'],
    [{ org_id: '00Dshort' }, 'must be the id of an org'],
  ])('refuses settings that do not say who: %j', (change, said) => {
    const given = {
      login_url: 'https://a.my.salesforce.com',
      client_id: 'k',
      client_secret: 's',
      org_id: '00D5f000000TEST',
    }
    const checked = salesforce.settings.safeParse({ ...given, ...change })
    expect(checked.error?.message).toContain(said)
  })
})

describe('collections', () => {
  it('go out in calls of 200', async () => {
    const { session, org } = await scene()
    const outcomes = await session.upsert('accounts', accounts(450))
    expect(done(outcomes)).toBe(true)
    const calls = org.journal
      .requests()
      .filter(({ method, path }) => method === 'PATCH' && path.includes('/composite/'))
    expect(calls).toHaveLength(3)
    expect(made(org, 'Account')).toHaveLength(450)
  })

  it('send rows that were locked again, and no others', async () => {
    const { session, org } = await scene()
    org.rows.lockSome(7, 0.3)
    const outcomes = await session.upsert('accounts', accounts(300))
    expect(done(outcomes)).toBe(true)
    expect(new Set(made(org, 'Account')).size).toBe(300)
    expect(made(org, 'Account')).toHaveLength(300)
    const updates = org.journal.applies().filter(({ act, object }) => act === 'update' && object === 'Account')
    expect(updates).toEqual([])
  })

  it('keep siblings together, so that they do not lock each other out', async () => {
    const { session, org } = await scene({ latency_ms: 15 })
    const parents = await session.upsert('accounts', accounts(5))
    org.rows.lock_ms = 15
    const contacts = Array.from(
      { length: 600 },
      (_, n): CrmRow => ({
        ...{ record_id: `ct_${n}`, crm_id: null, fields: { LastName: `Silva ${n}` } },
        links: [{ object: 'accounts', crm_id: parents[n % 5]!.crm_id! }],
      }),
    )
    const outcomes = await session.upsert('contacts', contacts)
    expect(outcomes.filter(({ status }) => status !== 'done')).toEqual([])
    expect(made(org, 'Contact')).toHaveLength(600)
  })

  it('are cut in halves when a whole call is refused, until what is wrong stands alone', async () => {
    const { session, org } = await scene()
    const rows = accounts(64)
    org.poison('"co_17"')
    const outcomes = await session.upsert('accounts', rows)
    expect(outcomes.flatMap(({ status }, index) => (status === 'done' ? [] : [[index, status]]))).toEqual([
      [17, 'rejected'],
    ])
    expect(outcomes[17]).toMatchObject({ code: 'JSON_PARSER_ERROR' })
    const calls = org.journal.requests().filter(({ method }) => method === 'PATCH')
    expect(calls.length).toBeLessThanOrEqual(1 + 2 * Math.log2(64))
  })

  it('leave to people what a duplicate rule or a key of another record speaks against', async () => {
    const { session, org } = await scene()
    org.people.make('Account', { Name: 'Twin' })
    org.rules.duplicates.push({ object: 'Account', field: 'Name' })
    org.rules.validations.push({ object: 'Account', field: 'Website', refuses: /bad/, message: 'No bad sites' })
    const rows = [
      account(1, { fields: { Name: 'Twin' } }),
      account(2),
      account(3, { fields: { Name: 'X', Website: 'bad.example' } }),
    ]
    expect(await session.upsert('accounts', rows)).toMatchObject([
      { status: 'rejected', code: 'DUPLICATES_DETECTED', message: 'Use one of these records?' },
      { status: 'done' },
      { status: 'rejected', code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', property: 'Website', message: 'No bad sites' },
    ])
  })

  it('follow a record into the one it was merged into, and make no second one', async () => {
    const { session, org } = await scene()
    const [mine] = await session.upsert('accounts', [account(1)])
    const theirs = org.people.make('Account', { Name: 'The one that stays' })
    org.people.merge('Account', theirs.Id, [mine!.crm_id!])
    const row = account(1, { crm_id: mine!.crm_id, fields: { Website: 'new.example' } })
    expect(await session.upsert('accounts', [row])).toMatchObject([{ status: 'done', crm_id: theirs.Id }])
    expect(org.store.get('Account', theirs.Id)).toMatchObject({ Lead_Engine_Id__c: 'co_1', Website: 'new.example' })
    expect(made(org, 'Account')).toEqual(['co_1'])
  })

  it('do not make again what somebody deleted, and leave a converted lead alone', async () => {
    const { session, org, pull } = await scene()
    const [gone] = await session.upsert('accounts', [account(1)])
    org.people.remove('Account', gone!.crm_id!)
    expect(await session.upsert('accounts', [account(1, { crm_id: gone!.crm_id })])).toMatchObject([{ status: 'gone' }])
    const lead = { record_id: 'p_1', crm_id: null, fields: { LastName: 'Lima', Company: 'Casa' }, links: [] }
    const [made_lead] = await session.upsert('leads', [lead])
    org.people.convert(made_lead!.crm_id!)
    expect(await session.upsert('leads', [{ ...lead, crm_id: made_lead!.crm_id }])).toMatchObject([{ status: 'gone' }])
    expect(await session.read('leads', [made_lead!.crm_id!])).toEqual([null])
    const { ConvertedContactId, ConvertedAccountId, ConvertedOpportunityId } = org.store.get(
      'Lead',
      made_lead!.crm_id!,
    )!
    expect(await pull('leads')).toMatchObject([
      {
        record_id: 'p_1',
        deleted: true,
        facts: {
          converted_into: [
            { object: 'contacts', crm_id: ConvertedContactId },
            { object: 'accounts', crm_id: ConvertedAccountId },
            { object: 'opportunities', crm_id: ConvertedOpportunityId },
          ],
        },
      },
    ])
  })

  it('tell who wants mail and who does not, so that an opt-out can be taken back', async () => {
    const { org, pull } = await scene()
    const { Id } = org.people.make('Contact', { LastName: 'Lima', Email: 'lima@x.example', HasOptedOutOfEmail: true })
    const told = async () => (await pull('contacts')).map(({ facts }) => facts?.opted_out)
    expect(await told()).toEqual([true])
    org.people.edit('Contact', Id, { HasOptedOutOfEmail: false })
    expect(await told()).toEqual([false])
  })
})

describe('limits', () => {
  it('asks nothing more when the requests of the day are used up', async () => {
    const { session, org } = await scene({}, { bulk_above: 5_000 })
    await session.identity()
    org.faults(always('daily limit', /composite/))
    const outcomes = await session.upsert('accounts', accounts(2_400))
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['unknown']))
    const before = org.journal.requests().length
    expect(await session.upsert('accounts', [account(1)])).toMatchObject([{ status: 'unknown' }])
    expect(org.journal.requests().length).toBe(before)
    expect(org.journal.requests().filter(({ fault }) => fault === 'daily limit').length).toBeLessThanOrEqual(5)
  })

  it('waits and goes on when too many requests run at once', async () => {
    const { session, org } = await scene()
    org.faults(scripted(['concurrent limit', 'concurrent limit'], /composite/))
    expect(done(await session.upsert('accounts', accounts(10)))).toBe(true)
    expect(made(org, 'Account')).toHaveLength(10)
  })

  it('stops before the share of the day that others need', async () => {
    const { session, org } = await scene({ daily: 20 }, { api_share: 0.5 })
    const asked = async () => {
      for (let n = 0; n < 20; n++) await session.upsert('accounts', [account(n)])
    }
    await expect(asked()).rejects.toThrow(/10 of the 20 API requests .* Raise api_share/)
    expect(org.usage.used).toBe(10)
  })
})

describe('faults', () => {
  const KINDS = [
    'reset before',
    'reset after',
    'hang after',
    'drip',
    'truncated',
    '502 after',
    '500',
    '503',
    'html page',
    'session expired',
    'unknown exception',
  ]

  it.each([11, 12, 13])('of every kind, seed %i: each record once, each as it should be', async (seed) => {
    const { session, org, again } = await scene({}, { timeout_s: 0.4 })
    org.faults(drawFaults({ seed, share: 0.3, kinds: KINDS, target: /composite\/sobjects|query/ }))
    const rows = accounts(1_000)
    let left = rows
    for (let run = 0; run < 8 && left.length > 0; run++) {
      const outcomes = await again()
        .upsert('accounts', left)
        .catch(() => left.map(() => ({ status: 'unknown' })))
      left = left.filter((_, index) => outcomes[index]!.status !== 'done')
    }
    expect(left).toEqual([])
    org.faults({ next: () => null })
    expect(made(org, 'Account').toSorted()).toEqual(rows.map(({ record_id }) => record_id).toSorted())
    const names = new Map(org.store.all('Account').map(({ Lead_Engine_Id__c, Name }) => [Lead_Engine_Id__c, Name]))
    expect(rows.filter(({ record_id, fields }) => names.get(record_id) !== fields.Name)).toEqual([])
    expect(session).toBeDefined()
  })

  it('of a link: the role is made once, whatever its answer', async () => {
    const { session, org } = await scene({}, { timeout_s: 0.4 })
    const [parent] = await session.upsert('accounts', [account(1)])
    const links = [{ object: 'accounts', crm_id: parent!.crm_id! }]
    const deal = {
      record_id: 'd_1',
      crm_id: null,
      fields: { Name: 'D', StageName: 'Prospecting', CloseDate: '2027-01-31' },
      links,
    }
    const [from] = await session.upsert('opportunities', [deal])
    const [to] = await session.upsert('contacts', [
      { record_id: 'p_1', crm_id: null, fields: { LastName: 'L' }, links },
    ])
    const pair = { from_id: from!.crm_id!, to_id: to!.crm_id! }
    for (const fault of ['reset after', '502 after', 'truncated']) {
      org.faults(scripted([fault], /OpportunityContactRole\/Lead/))
      expect(await session.link('opportunities', 'contacts', [pair])).toMatchObject([{ status: 'done' }])
    }
    expect(made(org, 'OpportunityContactRole')).toHaveLength(1)
  })
})

describe('setting up', () => {
  it('makes what is missing, visible to the integration user, once; and says before what is missing', async () => {
    const { session, org } = await scene({ set_up: false })
    const keyOf = async (object: string) =>
      (await session.describe(object)).properties!.find(({ name }) => name === 'Lead_Engine_Id__c')
    expect(await keyOf('accounts')).toBeUndefined()
    for (const _ of [1, 2])
      for (const [object, { own }] of Object.entries(salesforce.objects)) await session.create(object, own)
    for (const object of ['accounts', 'contacts', 'leads', 'opportunities', 'notes', 'tasks'])
      expect(await keyOf(object), object).toMatchObject({ type: 'text', unique: true, length: 64 })
    const fields = org.store.all('#field').map(({ Id }) => Id)
    expect(new Set(fields).size).toBe(fields.length)
    expect(fields).toContain('OpportunityContactRole.Lead_Engine_Id__c')
    expect(org.store.all('PermissionSet')).toHaveLength(1)
    expect(org.store.all('PermissionSetAssignment')).toHaveLength(1)
  })

  it('is not done for deals as long as their contacts cannot be told apart', async () => {
    const { session, org } = await scene()
    org.rules.hidden_fields.push('OpportunityContactRole.Lead_Engine_Id__c')
    const { properties } = await session.describe('opportunities')
    expect(properties!.map(({ name }) => name)).not.toContain('Lead_Engine_Id__c')
  })

  it('names what the user may not see or write', async () => {
    const { session, org } = await scene()
    org.rules.no_access.push('Lead')
    org.rules.read_only.push('Contact')
    org.rules.locked_fields.push('Account.Phone')
    await expect(session.describe('leads')).rejects.toThrow(/shows no Lead.*Give the integration user access/)
    await expect(session.describe('contacts')).rejects.toThrow(/may not create Contact/)
    const phone = (await session.describe('accounts')).properties!.find(({ name }) => name === 'Phone')
    expect(phone).toMatchObject({ writable: false })
    expect(
      (await session.describe('opportunities')).properties!.find(({ name }) => name === 'StageName'),
    ).toMatchObject({
      type: 'option',
      required: true,
      options: expect.arrayContaining(['Prospecting', 'Closed Won']) as string[],
    })
  })
})

describe('erasing', () => {
  it('leaves nothing of a person in the recycle bin', async () => {
    const { session, org } = await scene()
    const fields = { LastName: 'Silva', FirstName: 'Ana', Email: 'ana@casa.example', Description: 'Knows everybody' }
    const [made] = await session.upsert('contacts', [{ record_id: 'p_1', crm_id: null, fields, links: [] }])
    expect(await session.erase('contacts', [made!.crm_id!])).toMatchObject([{ status: 'done' }])
    const left = org.store.get('Contact', made!.crm_id!)!
    expect(left.IsDeleted).toBe(true)
    expect(JSON.stringify(left)).not.toMatch(/Silva|Ana|casa|everybody/)
  })
})
