import { createHmac } from 'node:crypto'
import type { Api, ServeContext } from '../context.ts'
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

/** RFC 8058: a POST acts, a GET only asks. What is answered is the same for a token that is known and one that is not. */
export function unsubscribeRoutes(api: Api, { publications, acts }: ServeContext): void {
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
      await publications.read(async (snapshot) => {
        const contact_id = (await tokensOf(snapshot)).get(token)
        if (contact_id === undefined) return
        const body = { action: 'add', by: 'contact_id', value: contact_id, reason: 'unsubscribed' }
        acts.receive([{ id: `unsubscribe-${token}`, kind: 'suppress', body }])
      })
    }
    return c.html(page(`<p>${WORDS[languageOf(c.req.header('accept-language'))].done}</p>`))
  })
}

/** Nothing but hexadecimal digits ever gets onto the page. */
function tokenOf(text: string | undefined): string | undefined {
  return /^[0-9a-f]{32}$/.test(text ?? '') ? text : undefined
}

/** Who got a message with which token: of those that left, or are about to. */
function tokensOf(snapshot: Snapshot): Promise<Map<string, string>> {
  const { ledger_id } = snapshot.publication
  return snapshot.memo('tokens', async (connection) => {
    const rows = await connection.rows<{ event_id: string; contact_id: string }>(
      `select event_id, contact_id from marts.fct_outreach_events
       where channel = 'email' and contact_id is not null and status not in ('planned', 'skipped', 'rejected')`,
    )
    const token = (event_id: string) => createHmac('sha256', ledger_id).update(event_id).digest('hex').slice(0, 32)
    return new Map(rows.map(({ event_id, contact_id }) => [token(event_id), contact_id]))
  })
}

function languageOf(header: string | undefined): 'en' | 'pt' {
  return /^\s*pt\b/i.test(header ?? '') ? 'pt' : 'en'
}

function page(content: string): string {
  return `<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex"><title>Unsubscribe</title><link rel="stylesheet" href="/docs/style.css"></head><body><main>${content}</main></body></html>`
}
