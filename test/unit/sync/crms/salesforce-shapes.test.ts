import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Org, salesforceOrg } from '../../../fakes/salesforce/org.ts'

// The stand-in for Salesforce beside what others recorded of the real one (grouparoo, MIT) and the requests that Salesforce
// publishes (postman-salesforce-apis, CC0). Recorded in 2022: shapes, not limits.

const SPECS = join('..', 'shared', 'data', 'specs')
const there = existsSync(join(SPECS, 'salesforce-postman'))
const title = there ? 'shapes' : 'shapes (skipped: ../shared/data/specs is not there)'

interface Sample {
  host: string
  method: string
  path: string
  status: number
  headers: Record<string, string>
  requestBody?: Record<string, unknown>
  responseBody: unknown
}

let org: Org
let authorization = ''

beforeAll(async () => {
  org = await salesforceOrg()
  const { client_id, client_secret } = org.login
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret })
  const answer = await fetch(`${org.base_url}/services/oauth2/token`, { method: 'POST', body })
  authorization = `Bearer ${((await answer.json()) as { access_token: string }).access_token}`
})
afterAll(() => org.close())

async function ask(method: string, path: string, body?: string, type = 'application/json') {
  const headers = { authorization, ...(body === undefined ? {} : { 'content-type': type }) }
  const answer = await fetch(`${org.base_url}${path}`, { method, headers, body })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.includes('json') === true
  return { status: answer.status, headers: answer.headers, body: (isJson ? JSON.parse(text) : text) as unknown }
}

/** JSON type of each member; of lists, that of their first. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])]
  if (value === null || typeof value !== 'object') return typeof value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]))
}

describe.skipIf(!there)(title, () => {
  const samples = there
    ? (JSON.parse(readFileSync(join(SPECS, 'recorded-samples-hubspot-salesforce.json'), 'utf8')) as Sample[]).filter(
        ({ host }) => host.includes('salesforce'),
      )
    : []
  const one = (method: string, path: RegExp, status: number) =>
    samples.filter((each) => each.method === method && path.test(each.path) && each.status === status)

  it('of a query', async () => {
    const id = org.people.make('Account', { Name: 'Smith' }).Id
    const [empty, found] = await Promise.all([
      ask('GET', `/services/data/v68.0/query?q=${encodeURIComponent("SELECT Id FROM Account WHERE Name = 'Nobody'")}`),
      ask('GET', `/services/data/v68.0/query?q=${encodeURIComponent(`SELECT Id FROM Account WHERE Id = '${id}'`)}`),
    ])
    const [recordedEmpty, recordedOne] = one('GET', /\/query$/, 200)
    expect(shapeOf(empty.body)).toEqual(shapeOf(recordedEmpty!.responseBody))
    expect(shapeOf(found.body)).toEqual(shapeOf(recordedOne!.responseBody))
    for (const name of Object.keys(recordedOne!.headers)) expect(found.headers.get(name), name).not.toBeNull()
    expect(found.headers.get('sforce-limit-info')).toMatch(/^api-usage=\d+\/\d+$/)
    expect(id).toHaveLength(18)
  })

  it.each(['Account', 'Contact', 'Lead'])('of a record: %s', async (object) => {
    const [recorded] = one('GET', new RegExp(`/sobjects/${object}/`), 200)
    const real = recorded!.responseBody as Record<string, unknown>
    const fields = { LastName: 'Smith', Name: 'Smith', Company: 'Smith Corp' }
    const { Id } = org.people.make(object, fields)
    const { body } = (await ask('GET', `/services/data/v68.0/sobjects/${object}/${Id}`)) as {
      body: Record<string, unknown>
    }
    const ours = Object.keys(body).filter((name) => !name.endsWith('__c'))
    // Who recorded them may not see whether somebody opted out.
    expect(ours.filter((name) => name !== 'HasOptedOutOfEmail' && !(name in real))).toEqual([])
    expect(shapeOf(body.attributes)).toEqual(shapeOf(real.attributes))
    for (const name of ['CreatedDate', 'SystemModstamp']) {
      const form = (text: unknown) => String(text).replace(/\d/g, '0')
      expect(form(body[name]), name).toBe(form(real[name]))
    }
  })

  it('of what is not there, and of what is made', async () => {
    const [missing] = one('GET', /sobjects\/Account/, 404)
    const { status, body } = await ask('GET', '/services/data/v68.0/sobjects/Account/0014S000007Ny26QAC')
    expect([status, body]).toEqual([404, [expect.objectContaining((missing!.responseBody as object[])[0]!)]])
    const [made] = one('POST', /sobjects\/Campaign/, 201)
    const answer = await ask('POST', '/services/data/v68.0/sobjects/Account', JSON.stringify(made!.requestBody))
    expect(answer.status).toBe(201)
    const { created: _, ...rest } = answer.body as Record<string, unknown>
    expect(shapeOf(rest)).toEqual(shapeOf(made!.responseBody))
  })

  const requests = [
    ...['bulk_v2/create_job', 'bulk_v2/upload_job_data', 'bulk_v2/close_or_abort_a_job', 'bulk_v2/get_all_jobs'],
    ...['bulk_v2/get_job_info', 'bulk_v2/get_job_successful_record_results', 'bulk_v2/get_job_failed_record_results'],
    ...['bulk_v2/get_job_unprocessed_record_results', 'bulk_v2/delete_job'],
    ...['composite/sobject_collections_create', 'composite/sobject_collections_update'],
    ...['composite/sobject_collections_delete', 'composite/sobject_collections_retrieve'],
    ...['rest/query', 'rest/queryall', 'rest/limit', 'rest/versions', 'rest/sobject_describe', 'rest/sobject_create'],
    ...[
      'rest/sobject_rows',
      'rest/sobject_rows_update',
      'rest/sobject_rows_by_external_id',
      'rest/sobject_rows_delete',
    ],
  ]

  it('of the requests that Salesforce publishes: each is known here', async () => {
    org.bulk.patience = 0
    const { Id } = org.people.make('Account', { Name: 'Postman', Lead_Engine_Id__c: 'postman_1' })
    let job = ''
    for (const name of requests) {
      const { method, url } = JSON.parse(readFileSync(join(SPECS, 'salesforce-postman', `${name}.json`), 'utf8')) as {
        method: string
        url: string
      }
      const filled = Object.entries({
        '{{_endpoint}}': '',
        '{{version}}': '68.0',
        '{{_jobId}}': job,
        '<SOBJECT_API_NAME>': 'Account',
        '<RECORD_ID>': Id,
        '<FIELD_NAME>': 'Lead_Engine_Id__c',
        '<FIELD_VALUE>': 'postman_1',
        '?ids&fields': `?ids=${Id}&fields=Name`,
        '?ids&allOrNone': `?ids=${Id}&allOrNone=false`,
      }).reduce((text, [from, to]) => text.replaceAll(from, to), url)
      const bodies: Record<string, string> = {
        'bulk_v2/create_job': '{"object":"Account","operation":"upsert","externalIdFieldName":"Lead_Engine_Id__c"}',
        'bulk_v2/upload_job_data': 'Lead_Engine_Id__c,Name\npostman_2,Two\n',
        'bulk_v2/close_or_abort_a_job': '{"state":"UploadComplete"}',
        'composite/sobject_collections_create': '{"records":[{"attributes":{"type":"Account"},"Name":"New"}]}',
        'composite/sobject_collections_update': `{"records":[{"attributes":{"type":"Account"},"id":"${Id}","Name":"New"}]}`,
        'rest/sobject_create': '{"Name":"Made"}',
        'rest/sobject_rows_update': '{"Name":"Renamed"}',
      }
      const type = name.endsWith('upload_job_data') ? 'text/csv' : undefined
      const answer = await ask(method, filled, bodies[name], type)
      expect([name, answer.status, answer.status < 300], JSON.stringify(answer.body)).toEqual([
        name,
        answer.status,
        true,
      ])
      if (name === 'bulk_v2/create_job') job = (answer.body as { id: string }).id
      if (name === 'composite/sobject_collections_delete') org.people.edit('Account', Id, { IsDeleted: false })
    }
  })
})
