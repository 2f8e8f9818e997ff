import { type Journal, openJournal } from '../journal.ts'
import { type Answer, type Asked, type FakeServer, fakeServer, type ServerOptions } from '../server.ts'
import { type Login, Sessions } from './auth.ts'
import { Bulk } from './bulk.ts'
import { peopleOf } from './people.ts'
import { Records } from './records.ts'
import { Rows, type Rules } from './rows.ts'
import { customField, STAGES } from './schema.ts'
import { Store } from './store.ts'

export const VERSION = '68.0'
const CONCURRENT = 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.'

export interface OrgOptions extends ServerOptions {
  login?: Partial<Login>
  org_id?: string
  /** Kept here, so that another process can go on with it. */
  journal_file?: string
  now?(): number
  /** Requests a day. */
  daily?: number
  /** What `pipeline sync setup` makes is there already. Unless false. */
  set_up?: boolean
}

export interface Org extends FakeServer {
  org_id: string
  login: Login
  journal: Journal
  store: Store
  rows: Rows
  rules: Rules
  sessions: Sessions
  bulk: Bulk
  records: Records
  people: ReturnType<typeof peopleOf>
  /** Id of the integration's own user, and of a seller. */
  users: { integration: string; seller: string; other: string }
  /** Requests of today so far, and how many a day there may be. */
  usage: { used: number; daily: number }
  /** A collection that holds this text is refused whole, as one that cannot be read. */
  poison(text: string | null): void
}

/** A Salesforce org on this machine, with a memory: what one request writes, the next one finds. */
export async function salesforceOrg(options: OrgOptions = {}): Promise<Org> {
  const now = options.now ?? (() => Date.now())
  const journal = openJournal(now, options.journal_file)
  const store = new Store(journal, now)
  const org_id = options.org_id ?? '00D5f000000TEST'
  const login: Login = {
    client_id: 'consumer_key',
    client_secret: 'consumer_secret',
    username: 'integration@example.com',
    ...options.login,
  }
  const users = peopled(store, login, org_id)
  const rows = new Rows(store)
  const records = new Records(store, rows, VERSION)
  const bulk = new Bulk(store, rows, VERSION)
  const sessions = new Sessions(store, login, org_id)
  const usage = { used: 0, daily: options.daily ?? 100_000 }
  if (options.set_up !== false && store.all('#field').length === 0) setUp(store)
  let poison: string | null = null
  let calls = 0
  let base_url = ''

  function handle(asked: Asked): Answer {
    if (asked.path === '/services/oauth2/token') return sessions.token(asked, base_url)
    if (/^\/services\/data\/?$/.test(asked.path))
      return { status: 200, body: [{ label: "Winter '27", url: `/services/data/v${VERSION}`, version: VERSION }] }
    usage.used++
    bulk.tick()
    const answer = answerOf(asked)
    return { ...answer, headers: { 'sforce-limit-info': `api-usage=${usage.used}/${usage.daily}`, ...answer.headers } }
  }

  function answerOf(asked: Asked): Answer {
    const user = sessions.userOf(asked)
    if (user === undefined)
      return { status: 401, body: [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }] }
    if (usage.used > usage.daily) return limit('TotalRequests Limit exceeded.')
    const [, version, path = ''] = /^\/services\/data\/v(\d+\.\d)(\/.*)?$/.exec(asked.path) ?? []
    if (version === undefined) return gone(404, 'NOT_FOUND', 'The requested resource does not exist')
    if (Number(version) <= 30) return gone(410, 'UNSUPPORTED_API_VERSION', `API version ${version} is retired`)
    const header = String(asked.headers['sforce-duplicate-rule-header'] ?? '')
    const call = { user, allow_save: /allowSave=true/i.test(header), trace: `call-${++calls}` }
    if (path === '/limits') {
      const { daily: Max, used } = usage
      return { status: 200, body: { DailyApiRequests: { Max, Remaining: Math.max(0, Max - used) } } }
    }
    if (poison !== null && asked.text.includes(poison)) return gone(400, 'JSON_PARSER_ERROR', 'Illegal character')
    if (path.startsWith('/composite/sobjects')) return records.collections(asked, path, call)
    if (path === '/composite') return composite(asked)
    if (path.startsWith('/jobs/ingest'))
      return bulk.handle(asked, path.slice('/jobs/ingest'.length).replace(/\/$/, ''), user)
    if (/^\/query/i.test(path)) return records.query(asked, path)
    if (path.startsWith('/tooling/sobjects/CustomField')) return newField(store, asked.body)
    if (path.startsWith('/sobjects/')) return records.single(asked, path, call)
    return gone(404, 'NOT_FOUND', 'The requested resource does not exist')
  }

  /** Each in turn; what one answers is not handed to the next. */
  function composite(asked: Asked): Answer {
    const { compositeRequest = [] } = (asked.body ?? {}) as {
      compositeRequest?: { method: string; url: string; referenceId: string; body?: unknown }[]
    }
    if (compositeRequest.length > 25) return gone(400, 'LIMIT_EXCEEDED', 'at most 25 subrequests')
    const compositeResponse = compositeRequest.map(({ method, url, referenceId, body }) => {
      const at = new URL(url, 'http://org.invalid')
      const path = '/query' // the length of a query inside a body is not limited
      const inner = {
        ...asked,
        method,
        path: at.pathname,
        query: at.searchParams,
        body,
        text: JSON.stringify(body) ?? '',
      }
      const isQuery = /\/query(All)?$/i.test(at.pathname)
      const below = at.pathname.replace(/^\/services\/data\/v\d+\.\d/, '')
      const answer = isQuery ? records.query({ ...inner, path }, below) : answerOf(inner)
      return { body: answer.body ?? null, httpHeaders: {}, httpStatusCode: answer.status, referenceId }
    })
    return { status: 200, body: { compositeResponse } }
  }

  const server = await fakeServer(
    {
      journal,
      handle,
      refusals: {
        'daily limit': () => limit('TotalRequests Limit exceeded.'),
        'concurrent limit': () => limit(CONCURRENT),
        'unknown exception': () => gone(500, 'UNKNOWN_EXCEPTION', 'An unexpected error occurred.'),
        'server unavailable': () => gone(503, 'SERVER_UNAVAILABLE', 'The server is busy'),
        'session expired': () => gone(401, 'INVALID_SESSION_ID', 'Session expired or invalid'),
      },
      admin: {
        '/dump': () => Object.fromEntries([...store.objects.keys()].map((object) => [object, store.all(object)])),
        '/seed': (body) => {
          const { object, fields } = body as { object: string; fields: Record<string, unknown> }
          return peopleOf(store, users.seller).make(object, fields)
        },
        '/locks': (body) => {
          const { seed, share } = body as { seed: number; share: number }
          rows.lockSome(seed, share)
          return body
        },
      },
    },
    options,
  )
  base_url = server.base_url
  const people = peopleOf(store, users.seller)
  const parts = {
    org_id,
    login,
    journal,
    store,
    rows,
    rules: rows.rules,
    sessions,
    bulk,
    records,
    people,
    users,
    usage,
    poison: (text: string | null) => {
      poison = text
    },
  }
  return { ...server, ...parts }
}

/** Users, stages and the org itself, unless they are there. */
function peopled(store: Store, { username }: Login, org_id: string): Org['users'] {
  const by = { by: 'person' as const, user: 'system' }
  const user = (Username: string, Name: string): string => {
    const known = store.all('User').find((each) => each.Username === Username)
    const fields = { Username, Name, Email: Username, UserType: 'Standard' }
    return (known ?? store.create({ ...by, object: 'User', fields })).Id
  }
  const users = {
    integration: user(username, 'Integration User'),
    seller: user('seller@example.com', 'A Seller'),
    other: user('other.seller@example.com', 'Another Seller'),
  }
  if (store.all('Organization').length > 0) return users
  const about = {
    Name: 'Example',
    TimeZoneSidKey: 'America/Sao_Paulo',
    IsSandbox: false,
    DefaultCurrencyIsoCode: 'BRL',
  }
  store.create({ ...by, object: 'Organization', fields: about }, org_id)
  for (const [index, MasterLabel] of STAGES.entries()) {
    const [IsClosed, IsWon] = [MasterLabel.startsWith('Closed'), MasterLabel === 'Closed Won']
    const fields = { MasterLabel, ApiName: MasterLabel, IsClosed, IsWon, SortOrder: index + 1 }
    store.create({ ...by, object: 'OpportunityStage', fields })
  }
  return users
}

const KEYED = ['Account', 'Contact', 'Lead', 'Opportunity', 'OpportunityContactRole', 'Task', 'Event']

/** The key on every object, and what our mappings write beside it, seen by all. */
function setUp(store: Store): void {
  const text = (length: number) => ({ type: 'Text', length })
  for (const object of KEYED) {
    const metadata = { ...text(64), unique: true, externalId: true }
    store.addField(object, { ...customField('Lead_Engine_Id__c', metadata), hidden: false })
  }
  const score = { type: 'Number' }
  for (const object of ['Account', 'Contact', 'Lead', 'Opportunity']) {
    store.addField(object, { ...customField('Lead_Engine_Score__c', score), hidden: false })
    store.addField(object, { ...customField('Lead_Engine_Tier__c', text(20)), hidden: false })
    store.addField(object, { ...customField('Lead_Engine_CNPJ__c', text(20)), hidden: false })
  }
}

function newField(store: Store, body: unknown): Answer {
  const { FullName = '', Metadata = {} } = (body ?? {}) as { FullName?: string; Metadata?: Record<string, unknown> }
  const [on = '', name = ''] = FullName.split('.')
  const objects = on === 'Activity' ? ['Task', 'Event'] : [on]
  if (!objects.every((object) => store.objects.has(object))) return gone(400, 'INVALID_TYPE', `no object ${on}`)
  if (store.objects.get(objects[0]!)!.fields.has(name))
    return gone(400, 'DUPLICATE_DEVELOPER_NAME', `There is already a field named ${name} on ${on}.`)
  for (const object of objects) store.addField(object, customField(name, Metadata))
  return { status: 201, body: { id: store.newId('#custom'), success: true, errors: [], warnings: [], infos: [] } }
}

function limit(message: string): Answer {
  return gone(403, 'REQUEST_LIMIT_EXCEEDED', message)
}

function gone(status: number, errorCode: string, message: string): Answer {
  return { status, body: [{ message, errorCode }] }
}
