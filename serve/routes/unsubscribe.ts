import { HEARD_KIND, type Heard } from '../../outreach/replies/heard.ts'
import type { Api, ServeContext } from '../context.ts'
import { RateLimit } from '../limits.ts'
import type { Snapshot } from '../publications.ts'

const WORDS = {
  en: {
    ask: 'Do you want no more messages from us?',
    button: 'Unsubscribe',
    done: 'You will get no more messages from us.',
  },
  pt: {
    ask: 'Não quer mais receber nossas mensagens?',
    button: 'Cancelar inscrição',
    done: 'Você não receberá mais mensagens nossas.',
  },
}

/** Tokens of nothing published: of a message that left since, or made up. */
const UNKNOWN_A_MINUTE = 120

/** RFC 8058: a POST acts, a GET only asks. What is answered is the same for a token that is known and one that is not. */
export function unsubscribeRoutes(api: Api, { publications, acts, now }: ServeContext): void {
  const unknown = new RateLimit(UNKNOWN_A_MINUTE)
  api.get('/unsubscribe', (c) => {
    const words = WORDS[languageOf(c.req.header('accept-language'))]
    const token = tokenOf(c.req.query('t'))
    const action = token === undefined ? '/unsubscribe' : `/unsubscribe?t=${token}`
    return c.html(
      page(
        `<p>${words.ask}</p><form method="post" action="${action}"><button name="List-Unsubscribe" value="One-Click">${words.button}</button></form>`,
      ),
    )
  })
  api.post('/unsubscribe', async (c) => {
    const token = tokenOf(c.req.query('t'))
    if (token !== undefined) {
      const contact_id = await publications.read((snapshot) => whoseToken(snapshot, token)).catch(() => undefined)
      // The message itself is found by the token when it is taken in; the person is left alone from this moment on.
      const heard = { id: `unsubscribed-${token}`, kind: HEARD_KIND, body: { ...UNSUBSCRIBED, tokens: [token] } }
      const body = { action: 'add', by: 'contact_id', value: contact_id, reason: 'unsubscribed' }
      if (contact_id !== undefined) acts.receive([{ id: `unsubscribe-${token}`, kind: 'suppress', body }, heard])
      else if (unknown.take('', now().getTime()) === 0) acts.receive([heard])
    }
    return c.html(page(`<p>${WORDS[languageOf(c.req.header('accept-language'))].done}</p>`))
  })
}

/** Nothing but hexadecimal digits ever gets onto the page. */
function tokenOf(text: string | undefined): string | undefined {
  return /^[0-9a-f]{32}$/.test(text ?? '') ? text : undefined
}

const UNSUBSCRIBED: Heard = {
  ...{ via: 'webhook', mailbox: null, class: 'unsubscribe', sentiment: 'negative', bounce_kind: null, delayed: false },
  ...{
    status: null,
    reason: null,
    again_on: null,
    language: null,
    message_id: null,
    ids: [],
    tokens: [],
    addresses: [],
  },
  thread: null,
}

/** Who got, or is about to get, the message of this token: kept with it once it left, and HMAC-SHA256 of its id before. */
async function whoseToken(snapshot: Snapshot, token: string): Promise<string | undefined> {
  const [inner, outer] = [0x36, 0x5c].map((pad) => {
    const key = Buffer.alloc(64)
    key.write(snapshot.publication.ledger_id)
    return Buffer.from(key.map((byte) => byte ^ pad)).toString('hex')
  })
  const own = 'sha256(unhex($3) || unhex(sha256(unhex($2) || encode(event_id))))'
  const [found] = await snapshot.use((_, connection) =>
    connection.rows<{ contact_id: string }>(
      `select contact_id from marts.fct_outreach_events
       where channel = 'email' and contact_id is not null and (token = $1 or (token is null and ${own}[:32] = $1)) limit 1`,
      [token, inner!, outer!],
    ),
  )
  return found?.contact_id
}

function languageOf(header: string | undefined): 'en' | 'pt' {
  return /^\s*pt\b/i.test(header ?? '') ? 'pt' : 'en'
}

function page(content: string): string {
  return `<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex"><title>Unsubscribe</title><link rel="stylesheet" href="/docs/style.css"></head><body><main>${content}</main></body></html>`
}
