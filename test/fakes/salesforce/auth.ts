import { createVerify } from 'node:crypto'
import type { Answer, Asked } from '../server.ts'
import type { Store } from './store.ts'

export interface Login {
  client_id: string
  client_secret: string
  /** Of who signs in with a key, and of who the app runs as. */
  username: string
  /** PEM; without it nobody signs in with a key. */
  public_key?: string
  /** What `aud` may be. Its own address unless said, as an External Client App wants it. */
  audiences?: readonly string[]
}

const LONGEST_ASSERTION_S = 180
const JWT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** Gives sessions to who proves to be somebody, and knows them again until they end. */
export class Sessions {
  /** How long one lasts without being asked for anew. */
  life_ms = 2 * 3_600_000
  readonly #store: Store
  readonly #login: Login
  readonly #org_id: string

  constructor(store: Store, login: Login, org_id: string) {
    this.#store = store
    this.#login = login
    this.#org_id = org_id
  }

  /** All that are open now. */
  end(): void {
    for (const { Id, until } of this.#store.all('#session'))
      if (until !== 0) this.#store.put('#session', Id, { until: 0 })
  }

  /** The user's id; undefined when nobody is signed in by these headers. */
  userOf({ headers }: Asked): string | undefined {
    const token = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1]
    const session = token === undefined ? undefined : this.#store.get('#session', token)
    return session !== undefined && Number(session.until) > this.#store.now() ? String(session.user) : undefined
  }

  token(asked: Asked, base_url: string): Answer {
    const form = new URLSearchParams(asked.text)
    const grant = form.get('grant_type')
    const refusal =
      grant === JWT
        ? this.#wrongAssertion(form.get('assertion') ?? '', base_url)
        : grant === 'client_credentials'
          ? this.#wrongSecret(asked, form)
          : ['unsupported_grant_type', 'grant type not supported']
    if (refusal !== undefined) {
      const [error, error_description] = refusal
      return { status: 400, body: { error, error_description } }
    }
    const user = this.#store.all('User').find(({ Username }) => Username === this.#login.username)!.Id
    const nth = this.#store.all('#session').length + 1
    const access_token = `${this.#org_id.slice(0, 15)}!AQ${String(nth).padStart(6, '0')}.fake_session_of_${user}`
    this.#store.put('#session', access_token, { user, until: this.#store.now() + this.life_ms })
    const body = {
      access_token,
      instance_url: base_url,
      id: `https://login.salesforce.com/id/${this.#org_id}/${user}`,
      token_type: 'Bearer',
      issued_at: String(this.#store.now()),
      signature: 'c2lnbmF0dXJl',
      scope: 'api',
    }
    return { status: 200, body }
  }

  #wrongSecret({ headers }: Asked, form: URLSearchParams): [string, string] | undefined {
    const basic = /^Basic (\S+)$/.exec(headers.authorization ?? '')?.[1]
    const [id, secret] =
      basic === undefined
        ? [form.get('client_id'), form.get('client_secret')]
        : Buffer.from(basic, 'base64').toString().split(':')
    if (id !== this.#login.client_id) return ['invalid_client_id', 'client identifier invalid']
    return secret === this.#login.client_secret ? undefined : ['invalid_client', 'invalid client credentials']
  }

  #wrongAssertion(assertion: string, base_url: string): [string, string] | undefined {
    const { public_key, client_id, username, audiences = [base_url] } = this.#login
    const invalid = (what: string): [string, string] => ['invalid_grant', what]
    const [head = '', body = '', signature = ''] = assertion.split('.')
    const [header, claims] = [head, body].map(jsonOf)
    if (header?.alg !== 'RS256' || claims === undefined) return invalid('invalid assertion')
    if (claims.iss !== client_id) return ['invalid_client_id', 'client identifier invalid']
    const signed = createVerify('RSA-SHA256').update(`${head}.${body}`)
    if (public_key === undefined || !signed.verify(public_key, signature, 'base64url'))
      return invalid('invalid assertion')
    if (!audiences.includes(String(claims.aud))) return invalid('audience is invalid')
    const left_s = Number(claims.exp) - this.#store.now() / 1000
    if (!(left_s > 0)) return invalid('assertion has expired')
    if (left_s > LONGEST_ASSERTION_S) return invalid('assertion expires too late')
    return claims.sub === username ? undefined : invalid("user hasn't approved this consumer")
  }
}

function jsonOf(part: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
  } catch {
    return undefined
  }
}
