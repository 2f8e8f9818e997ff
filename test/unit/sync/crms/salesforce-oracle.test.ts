import { generateKeyPairSync, sign } from 'node:crypto'
import jsforce from '@jsforce/jsforce-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Org, salesforceOrg } from '../../../fakes/salesforce/org.ts'

// The stand-in for Salesforce, driven by a client that others wrote for the real one.

const keys = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const KEY = 'Lead_Engine_Id__c'

let org: Org
let connection: InstanceType<typeof jsforce.Connection>

beforeAll(async () => {
  org = await salesforceOrg({ login: { public_key: keys.publicKey } })
  const { access_token } = await new jsforce.OAuth2({ loginUrl: org.base_url }).requestToken({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: assertion({}),
  })
  connection = new jsforce.Connection({ instanceUrl: org.base_url, accessToken: access_token, version: '68.0' })
})
afterAll(() => org.close())

function assertion(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const { client_id: iss, username: sub } = org.login
  const exp = Math.floor(Date.now() / 1000) + 120
  const text = `${part({ alg: 'RS256' })}.${part({ iss, sub, aud: org.base_url, exp, ...claims })}`
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), keys.privateKey).toString('base64url')}`
}

async function signIn(form: Record<string, string>): Promise<{ status: number; body: Record<string, string> }> {
  const answer = await fetch(`${org.base_url}/services/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, string> }
}

describe('signing in', () => {
  const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

  it('takes a signed assertion for its own address that ends within three minutes, and no other', async () => {
    const now = Math.floor(Date.now() / 1000)
    for (const [claims, said] of [
      [{ aud: 'https://login.salesforce.com' }, 'audience is invalid'],
      [{ exp: now - 1 }, 'assertion has expired'],
      [{ exp: now + 600 }, 'assertion expires too late'],
      [{ sub: 'somebody@example.com' }, "user hasn't approved this consumer"],
    ] as const) {
      const { status, body } = await signIn({ grant_type, assertion: assertion(claims) })
      expect([status, body]).toEqual([400, { error: 'invalid_grant', error_description: said }])
    }
    const forged = `${assertion({}).slice(0, -6)}AAAAAA`
    expect((await signIn({ grant_type, assertion: forged })).body.error_description).toBe('invalid assertion')
    expect((await signIn({ grant_type, assertion: assertion({}) })).body.instance_url).toBe(org.base_url)
  })

  it('takes client credentials', async () => {
    const { client_id, client_secret } = org.login
    const form = { grant_type: 'client_credentials', client_id, client_secret }
    expect((await signIn(form)).status).toBe(200)
    expect((await signIn({ ...form, client_secret: 'no' })).status).toBe(400)
  })
})

describe('jsforce', () => {
  it('upserts a collection, twice, and finds it', async () => {
    const rows = [
      { [KEY]: 'co_1', Name: 'Acme', Website: 'https://acme.example' },
      { [KEY]: 'co_2', Name: ' Bolt ' },
    ]
    const made = await connection.upsert('Account', rows, KEY)
    expect(made).toMatchObject([
      { success: true, created: true },
      { success: true, created: true },
    ])
    const again = await connection.upsert('Account', rows, KEY)
    expect(again).toEqual(made.map((each) => ({ ...each, created: false })))
    const found = await connection.query(
      `SELECT Id, Name, Owner.Email FROM Account WHERE ${KEY} IN ('co_1', 'CO_2') ORDER BY Name`,
    )
    expect(found.records).toMatchObject([{ Name: 'Acme', Owner: { Email: org.login.username } }, { Name: 'Bolt' }])
    expect(connection.limitInfo?.apiUsage?.limit).toBe(100_000)
  })

  it('hears of each row what is wrong with it, in their order', async () => {
    const rows = [
      { [KEY]: 'ct_1', LastName: 'Silva', Account: { [KEY]: 'co_1' } },
      { [KEY]: 'ct_2', LastName: 'Souza', Account: { [KEY]: 'co_9' } },
      { [KEY]: 'ct_3', FirstName: 'Nobody' },
      { [KEY]: 'ct_4', LastName: 'Lima', Email: 'no address' },
      { [KEY]: 'ct_5', LastName: 'Reis', Nonsense: 1 },
      { [KEY]: 'ct_6', LastName: 'Dias', Name: 'read-only' },
    ]
    const results = await connection.upsert('Contact', rows, KEY)
    expect(
      results.map((each) => (each.success ? 'ok' : (each.errors[0] as { statusCode?: string }).statusCode)),
    ).toEqual([
      'ok',
      'INVALID_FIELD',
      'REQUIRED_FIELD_MISSING',
      'INVALID_EMAIL_ADDRESS',
      'INVALID_FIELD',
      'INVALID_FIELD_FOR_INSERT_UPDATE',
    ])
  })

  it('loads with Bulk API 2.0: shuffled results, empty cells left alone, #N/A emptied, bad rows told', async () => {
    await connection.upsert('Account', [{ [KEY]: 'co_30', Name: 'Kept', Phone: '1' }], KEY)
    const input = [
      ...Array.from({ length: 30 }, (_, n) => ({ [KEY]: `co_${n}`, Name: `Bulk ${n}`, Phone: '', Website: '' })),
      { [KEY]: 'co_30', Name: '', Phone: '#N/A', Website: 'https://kept.example' },
      { [KEY]: 'co_31', Name: 'x'.repeat(300), Phone: '', Website: '' },
    ]
    const results = await connection.bulk2.loadAndWaitForResults({
      object: 'Account',
      operation: 'upsert',
      externalIdFieldName: KEY,
      input,
      pollInterval: 5,
    })
    expect(results.failedResults).toMatchObject([
      { [KEY]: 'co_31', sf__Error: expect.stringMatching(/^STRING_TOO_LONG:/) },
    ])
    const order = results.successfulResults.map((row) => (row as unknown as Record<string, string>)[KEY])
    expect(order.toSorted()).toEqual(
      input
        .slice(0, 31)
        .map((row) => row[KEY])
        .toSorted(),
    )
    expect(order).not.toEqual(input.slice(0, 31).map((row) => row[KEY]))
    expect(org.store.by('Account', KEY, 'co_30')).toMatchObject([
      { Name: 'Kept', Phone: null, Website: 'https://kept.example' },
    ])
  })

  it('creates, reads, updates, deletes one, and sees what was deleted with queryAll', async () => {
    const { id } = await connection.sobject('Lead').create({ LastName: 'Melo', Company: 'Casa' })
    expect(await connection.sobject('Lead').retrieve(id!)).toMatchObject({
      Name: 'Melo',
      Status: 'Open - Not Contacted',
    })
    await connection.sobject('Lead').update({ Id: id!, Title: 'Head' })
    await connection.sobject('Lead').destroy(id!)
    expect((await connection.query(`SELECT Id FROM Lead WHERE Id = '${id}'`)).totalSize).toBe(0)
    const all = await connection.query(`SELECT Id, Title, IsDeleted FROM Lead WHERE Id = '${id}'`, { scanAll: true })
    expect(all.records).toMatchObject([{ Title: 'Head', IsDeleted: true }])
  })

  it('describes, and pages through a query', async () => {
    const { fields } = await connection.describe('Opportunity')
    expect(fields.find(({ name }) => name === 'StageName')).toMatchObject({ restrictedPicklist: true, nillable: false })
    expect(fields.find(({ name }) => name === KEY)).toMatchObject({ externalId: true, unique: true, length: 64 })
    org.records.page = 10
    const query = connection.query(`SELECT Id FROM Account`)
    expect((await query.execute({ autoFetch: true, maxFetch: 1_000 })).records.length).toBe(
      org.store.all('Account').length,
    )
    org.records.page = 2_000
  })

  it('is signed out when the session has ended', async () => {
    org.sessions.end()
    await expect(connection.query('SELECT Id FROM Account')).rejects.toThrow(/INVALID_SESSION_ID|expired/i)
  })
})
