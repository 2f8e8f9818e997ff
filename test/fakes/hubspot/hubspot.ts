import { numbers } from '../faults.ts'
import { type Journal, openJournal } from '../journal.ts'
import { type Answer, type Asked, type FakeServer, fakeServer, type ServerOptions } from '../server.ts'
import { badRequest, EXPIRED, missingScopes, notFound, REFUSALS, Refusal, refused, UNAUTHENTICATED } from './answers.ts'
import { associationBatch, associationOfOne } from './associations.ts'
import { Limiter, type Limits, UNLIMITED } from './limiter.ts'
import { batch, type Objects, one } from './objects.ts'
import { objectNamed, scopeOf } from './schema.ts'
import { search } from './search.ts'
import { type Owner, owners, pipelines, properties } from './setup.ts'
import { Store } from './store.ts'

/** Every scope that a whole sync needs. */
export const SCOPES: readonly string[] = [
  ...['contacts', 'companies', 'deals'].flatMap((of) =>
    ['objects', 'schemas'].flatMap((what) => [`crm.${what}.${of}.read`, `crm.${what}.${of}.write`]),
  ),
  'crm.objects.owners.read',
]

export const TOKEN = 'pat-na1-00000000-0000-4000-8000-000000000001'

export interface HubspotOptions extends ServerOptions {
  portal_id?: number
  time_zone?: string
  /** Token → its scopes; one with all of them unless said. `expired`: it was good once. */
  tokens?: Record<string, { scopes: readonly string[]; expired?: boolean }>
  /** For OAuth: what a refresh token is good for. */
  oauth?: { client_id: string; client_secret: string; refresh_token: string; expires_in_s: number }
  limits?: Partial<Limits>
  /** From, to: how long a change takes to show in search. 1 to 3 s unless said. */
  index_delay_ms?: [number, number]
  owners?: readonly Owner[]
  auto_companies?: boolean
  /** False: trace ids do not help, one bad row fails its whole batch. */
  partial?: boolean
  /** The journal's file: with the same one, a new server goes on with what the old one held. */
  file?: string
  now?: () => number
  seed?: number
}

export interface FakeHubspot extends FakeServer {
  journal: Journal
  /** What the account holds, for a judge, and for what people do at the screen. */
  store: Store
  limiter: Limiter
}

/** A HubSpot account on this machine: it keeps what it is told, refuses what HubSpot refuses, and writes down both. */
export async function fakeHubspot(options: HubspotOptions = {}): Promise<FakeHubspot> {
  const { portal_id = 123456, time_zone = 'US/Eastern', now = Date.now, file, seed = 1 } = options
  const draw = numbers(seed)
  const [shortest, longest] = options.index_delay_ms ?? [1_000, 3_000]
  const journal = openJournal(now, file)
  const index_delay_ms = () => shortest + draw() * (longest - shortest)
  const store = new Store({ journal, now, index_delay_ms })
  const limiter = new Limiter({ ...UNLIMITED, ...options.limits }, journal, now, time_zone)
  const tokens = new Map(Object.entries(options.tokens ?? { [TOKEN]: { scopes: SCOPES } }))
  const until = new Map<string, number>()
  const world: Objects = {
    store,
    now,
    auto_companies: options.auto_companies ?? false,
    partial: options.partial ?? true,
    backwards: () =>
      journal.add({ kind: 'breach', rule: 'lifecycle_backwards', text: 'a lifecycle stage was to go back' }),
  }

  function scopesOf(asked: Asked): readonly string[] {
    const token = /^Bearer (.+)$/.exec(asked.headers.authorization ?? '')?.[1] ?? ''
    const known = tokens.get(token)
    if (known === undefined) throw UNAUTHENTICATED
    if (known.expired === true || (until.get(token) ?? Number.POSITIVE_INFINITY) <= now()) throw EXPIRED
    return known.scopes
  }

  function oauthToken({ text }: Asked): Answer {
    const form = new URLSearchParams(text)
    const app = options.oauth
    const isOurs =
      app !== undefined &&
      form.get('grant_type') === 'refresh_token' &&
      form.get('client_id') === app.client_id &&
      form.get('client_secret') === app.client_secret &&
      form.get('refresh_token') === app.refresh_token
    if (!isOurs) throw new Refusal(400, 'BAD_REFRESH_TOKEN', 'missing or invalid refresh token')
    const access_token = `oauth-${tokens.size}`
    tokens.set(access_token, { scopes: SCOPES })
    until.set(access_token, now() + app.expires_in_s * 1_000)
    const { refresh_token, expires_in_s: expires_in } = app
    return { status: 200, body: { token_type: 'bearer', access_token, refresh_token, expires_in } }
  }

  function route(asked: Asked): Answer {
    if (/^\/oauth\/[^/]+\/token$/.test(asked.path)) return oauthToken(asked)
    const scopes = scopesOf(asked)
    const need = (...any: string[]) => {
      if (!any.some((scope) => scopes.includes(scope))) throw missingScopes(any)
    }
    const { area, legacy, rest } = readPath(asked.path)
    const { method } = asked
    if (area === 'account') return { status: 200, body: account(portal_id, time_zone, now()) }
    if (area === 'owners') {
      need('crm.objects.owners.read')
      return owners(options.owners ?? [], rest, asked)
    }
    if (area === 'optout') {
      need('crm.objects.contacts.write')
      const rec = store.byUnique('contacts', 'email', rest[0] ?? '')
      if (rec !== undefined) store.update(rec, { hs_email_optout: 'true' })
      return { status: 200, body: {} }
    }
    const [name = '', ...more] = rest
    const object = objectNamed(name)
    if (object === undefined) throw badRequest(`Unable to infer object type from: ${name}`)
    if (area === 'properties' || area === 'pipelines') {
      const of = ['contacts', 'companies', 'deals'].includes(object) ? object : 'contacts'
      if (method === 'GET') need(`crm.schemas.${of}.read`, `crm.objects.${of}.read`)
      else need(`crm.schemas.${of}.write`)
      return area === 'properties' ? properties(store, object, more, asked) : pipelines(object, more)
    }
    if (area === 'associations') {
      const [to_name = '', , ...act] = more
      const to = objectNamed(to_name)
      if (to === undefined) throw badRequest(`Unable to infer object type from: ${to_name}`)
      const isRead = act.join('/') === 'read'
      need(scopeOf(object, isRead ? 'read' : 'write'))
      need(scopeOf(to, isRead ? 'read' : 'write'))
      return associationBatch(store, object, to, act.join('/'), asked, legacy)
    }
    return objectCall(object, more, asked, legacy, need)
  }

  function objectCall(
    object: string,
    [id, what, ...more]: string[],
    asked: Asked,
    legacy: boolean,
    need: (...any: string[]) => void,
  ): Answer {
    const isRead = asked.method === 'GET' || id === 'search' || (id === 'batch' && what === 'read')
    need(scopeOf(object, isRead ? 'read' : 'write'))
    if (id === 'search') return { status: 200, body: search(store, object, asked.body, asked.text) }
    if (id === 'batch') return batch(world, object, what ?? '', asked, legacy)
    const body = (asked.body ?? {}) as Record<string, string>
    if (id === 'merge') {
      const [survivor, loser] = [body.primaryObjectId, body.objectIdToMerge].map((each) =>
        store.live(object, String(each)),
      )
      if (survivor === undefined || loser === undefined) throw notFound(object, Object.values(body))
      return { status: 200, body: { id: store.merge(survivor, loser).id } }
    }
    if (id === 'gdpr-delete') {
      const { objectId = '', idProperty } = body
      const rec = idProperty === 'email' ? store.byUnique(object, 'email', objectId) : store.live(object, objectId)
      if (rec !== undefined) store.forget(rec)
      return { status: 204 }
    }
    if (what === 'associations') return associationOfOne(store, object, id!, more.map(plain), asked)
    return one(world, object, id, asked)
  }

  function handle(asked: Asked): Answer {
    const isSearch = asked.path.endsWith('/search')
    const isFree = asked.path.startsWith('/oauth/')
    const limited = isFree ? undefined : limiter.take(isSearch, asked.in_flight)
    const answer = limited ?? safely(() => route(asked))
    return isFree ? answer : { ...answer, headers: { ...limiter.headers(isSearch), ...answer.headers } }
  }

  const admin = {
    '/dump': () => Object.fromEntries([...store.records].map(([object, all]) => [object, [...all.values()]])),
    '/seed': (body: unknown) =>
      (body as { object: string; properties: Record<string, string> }[]).map(
        ({ object, properties: given }) => store.create(object, given, { by: 'person' }).id,
      ),
  }
  const server = await fakeServer({ journal, handle, refusals: REFUSALS, admin }, options)
  return { ...server, journal, store, limiter }
}

function plain(name: string): string {
  return objectNamed(name) ?? name
}

function safely(work: () => Answer): Answer {
  try {
    return work()
  } catch (error) {
    if (error instanceof Refusal) return refused(error)
    throw error
  }
}

const VERSION = String.raw`(\d{4}-\d\d|v\d)`
const AREAS: [RegExp, string][] = [
  [new RegExp(`^/account-info/${VERSION}/details$`), 'account'],
  [/^\/integrations\/(v1)\/me$/, 'account'],
  [new RegExp(`^/crm/objects/${VERSION}(?:/(.*))?$`), 'objects'],
  [new RegExp(`^/crm/${VERSION}/objects(?:/(.*))?$`), 'objects'],
  [new RegExp(`^/crm/associations/${VERSION}(?:/(.*))?$`), 'associations'],
  [new RegExp(`^/crm/${VERSION}/associations(?:/(.*))?$`), 'associations'],
  [new RegExp(`^/crm/properties/${VERSION}(?:/(.*))?$`), 'properties'],
  [new RegExp(`^/crm/${VERSION}/properties(?:/(.*))?$`), 'properties'],
  [new RegExp(`^/crm/pipelines/${VERSION}(?:/(.*))?$`), 'pipelines'],
  [new RegExp(`^/crm/${VERSION}/pipelines(?:/(.*))?$`), 'pipelines'],
  [new RegExp(`^/crm/owners/${VERSION}(?:/(.*))?$`), 'owners'],
  [new RegExp(`^/crm/${VERSION}/owners(?:/(.*))?$`), 'owners'],
  [new RegExp(`^/communication-preferences/${VERSION}/statuses/(.*)$`), 'optout'],
]

/** Dated paths, and those of before. Ones that are neither do not exist. */
function readPath(path: string): { area: string; legacy: boolean; rest: string[] } {
  for (const [pattern, area] of AREAS) {
    const [, version = '', rest = ''] = pattern.exec(path) ?? []
    if (version === '') continue
    const legacy = version.startsWith('v') || version < '2026-09'
    return { area, legacy, rest: rest.split('/').filter(Boolean) }
  }
  throw new Refusal(404, 'OBJECT_NOT_FOUND', `No such path: ${path}`)
}

function account(portalId: number, timeZone: string, now: number): unknown {
  const there = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' }).formatToParts(now)
  const name = there.find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT'
  const utcOffset = name === 'GMT' ? '+00:00' : name.replace('GMT', '')
  const [hours = 0, minutes = 0] = utcOffset.split(':').map(Number)
  const utcOffsetMilliseconds = (hours * 60 + Math.sign(hours) * minutes) * 60_000
  return {
    ...{ portalId, timeZone, accountType: 'STANDARD', companyCurrency: 'USD', additionalCurrencies: [] },
    ...{ utcOffset, utcOffsetMilliseconds, uiDomain: 'app.hubspot.com', dataHostingLocation: 'na1' },
  }
}
