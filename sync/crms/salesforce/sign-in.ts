import { createSign } from 'node:crypto'
import { type CrmContext, CrmError, type Http, RemoteError } from '../../define.ts'
import { type Settings, shortId } from './settings.ts'

/** Who is signed in, where. The token never leaves the process. */
export interface SignedIn {
  token: string
  org_id: string
  user_id: string
}

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** Salesforce takes three minutes; clocks differ. */
const LIFE_S = 120

/** Signs in by the key or the secret of the settings. CrmError where a person must mend something. */
export async function signIn({ settings, now }: CrmContext<Settings>, http: Http): Promise<SignedIn> {
  const body = new URLSearchParams(formOf(settings, now())).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const request = { method: 'POST', path: '/services/oauth2/token', body, headers, record: false } as const
  const answer = await http.send(request, [200, 400, 401])
  const told = answer.json() as Partial<
    Record<'access_token' | 'instance_url' | 'id' | 'error' | 'error_description', string>
  >
  const { access_token: token, instance_url = '', id = '' } = told
  if (answer.status !== 200 || token === undefined) {
    const said = [told.error, told.error_description].filter(Boolean).join(': ')
    throw new CrmError(
      `Salesforce does not let us in (${said || answer.status}). ${mendOf(told.error_description ?? said)}`,
    )
  }
  if (URL.canParse(instance_url) && new URL(instance_url).host !== new URL(settings.login_url).host)
    throw new CrmError(`this org answers at ${new URL(instance_url).origin}. Write that as login_url in pipeline.yaml`)
  const [, org_id, user_id] = /\/id\/(00D\w+)\/(005\w+)/.exec(id) ?? []
  if (org_id === undefined || user_id === undefined)
    throw new RemoteError('Salesforce did not say which org this is', 'salesforce')
  return { token, org_id: shortId(org_id), user_id }
}

function formOf(settings: Settings, now: Date): Record<string, string> {
  const { client_id, client_secret, private_key, username, login_url, audience } = settings
  if (private_key === undefined)
    return { grant_type: 'client_credentials', client_id, client_secret: client_secret ?? '' }
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(now.getTime() / 1000) + LIFE_S
  const aud = audience ?? new URL(login_url).origin
  const text = `${part({ alg: 'RS256' })}.${part({ iss: client_id, sub: username, aud, exp })}`
  try {
    const signature = createSign('RSA-SHA256').update(text).sign(private_key.replaceAll('\\n', '\n'), 'base64url')
    return { grant_type: GRANT, assertion: `${text}.${signature}` }
  } catch {
    throw new CrmError('private_key of Salesforce cannot be read. It must be an RSA key as PEM, unencrypted')
  }
}

function mendOf(said: string): string {
  if (/approved this consumer/.test(said))
    return 'Allow the user for the app: Permitted Users, pre-authorized by a permission set.'
  if (/audience/.test(said))
    return 'An External Client App wants its My Domain address as audience; classic apps https://login.salesforce.com.'
  if (/assertion/.test(said))
    return 'Check private_key against the certificate of the app, and the clock of this machine.'
  return 'Check client_id and client_secret (or username and private_key) in pipeline.yaml.'
}
