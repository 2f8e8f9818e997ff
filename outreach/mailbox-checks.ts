import type { Http, HttpFactory } from '../pipeline/http.ts'
import { domainOf, senderOf } from './addresses.ts'
import type { ChannelCheck } from './define.ts'
import { archiveOf, type Mailbox, mailServer } from './mailbox.ts'

interface Checked {
  mailboxes: readonly Mailbox[]
  unsubscribe?: { url?: string; mailto?: string }
  postal_address?: string
  dns?: { servers?: readonly string[]; base_url?: string }
}

/** For each mailbox: does it let us in; can what it sent be looked up; do the records of its domain vouch for it? */
export function mailboxChecks({ mailboxes, unsubscribe = {}, postal_address, dns = {} }: Checked): ChannelCheck[] {
  if (mailboxes.length === 0) return []
  return [
    {
      name: 'mail: the way out',
      run: async () => {
        const lacks = [
          unsubscribe.url === undefined ? 'unsubscribe.url (one click, RFC 8058)' : undefined,
          unsubscribe.mailto === undefined ? 'unsubscribe.mailto' : undefined,
          postal_address === undefined ? 'postal_address (CAN-SPAM)' : undefined,
        ].filter((one) => one !== undefined)
        if (lacks.length > 0) throw new Error(`outreach.channels.email has no ${lacks.join(', no ')}`)
        return 'unsubscribe by one click and by mail, with a postal address'
      },
    },
    ...mailboxes.flatMap((mailbox) => checksOf(mailbox, dns)),
  ]
}

function checksOf(mailbox: Mailbox, dns: NonNullable<Checked['dns']>): ChannelCheck[] {
  const { mailbox: address } = senderOf(mailbox.from)!
  const archive = archiveOf(mailbox)
  return [
    {
      name: `mailbox ${address}`,
      async run({ mail }) {
        if (mailbox.via !== 'smtp') return 'sends over HTTP: nothing is asked here'
        if (mailbox.smtp === undefined) throw new Error('has no smtp: nothing can be sent from it')
        const greeting = await mail.greet(mailServer(mailbox.smtp))
        if (archive === undefined)
          return `${greeting}; no archive: what breaks off is left to a person (pipeline review)`
        await (await mail.open(archive.server, archive.folder)).close()
        return `${greeting}; archive ${archive.folder} at ${archive.server.host}${archive.complete ? '' : ', of another account: absence proves nothing'}`
      },
    },
    {
      name: `sender ${domainOf(address)}`,
      async run({ http }) {
        const texts = textRecords(nameServers(http, dns))
        const { judgeSender } = await import('./sender-domain.ts')
        const { problems, says } = await judgeSender(mailbox, texts)
        if (problems.length > 0) throw new Error(problems.join('; '))
        return says.join('; ')
      },
    },
  ]
}

function nameServers(http: HttpFactory, { servers, base_url }: NonNullable<Checked['dns']>): Http {
  const way = base_url === undefined ? { way: { to: 'name_servers' as const, servers } } : { base_url }
  return http({ service: 'name servers', ...way, limits: { timeout_s: 5, retries: 1 }, record: false })
}

/** TXT records of a name; none where there is no such name. */
function textRecords(http: Http): (name: string) => Promise<string[]> {
  return async (name) => {
    const told = await http.send({ path: '/resolve', query: { name, type: 'TXT' } })
    const { Status, Answer } = told.json() as { Status: number; Answer?: { type: number; data: string }[] }
    if (Status !== 0 && Status !== 3) throw new Error(`name servers fail for ${name} (${Status})`)
    const texts = (Answer ?? []).filter(({ type }) => type === 16).map(({ data }) => data)
    return texts.map((text) => (text.startsWith('"') ? text.replace(/^"|"$/g, '').replaceAll(/"\s*"/g, '') : text))
  }
}
