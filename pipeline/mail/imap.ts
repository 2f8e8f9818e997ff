import type { ImapFlow } from 'imapflow'
import { messageOf, RemoteError } from '../errors.ts'
import type { MailFolder, MailServer } from '../mail.ts'
import type { TokenOf } from './oauth.ts'

const TIMEOUTS = { connectionTimeout: 20_000, greetingTimeout: 20_000, socketTimeout: 120_000 }

/** Opens one folder of a mailbox over a connection of its own. */
export async function openMailFolder(
  server: MailServer,
  name: string,
  tokenOf: TokenOf,
  signal: AbortSignal,
): Promise<MailFolder> {
  const service = `imap ${server.host}`
  const asRemote = (error: unknown): never => {
    const { responseText, authenticationFailed } = error as { responseText?: string; authenticationFailed?: boolean }
    const reason = authenticationFailed === true ? 'key' : 'broken'
    throw new RemoteError(responseText ?? messageOf(error), service, { reason, cause: error })
  }
  const client = await connect(server, tokenOf).catch(asRemote)
  const close = async () => {
    await client.logout().catch(() => client.close())
  }
  try {
    const path = name.startsWith('\\') ? await bySpecialUse(client, name) : name
    const opened = await client.mailboxOpen(path, { readOnly: true })
    return {
      uid_validity: String(opened.uidValidity),
      search: async (header, value) => {
        const found = await client.search({ header: { [header]: value } }, { uid: true }).catch(asRemote)
        return found === undefined || found === false ? [] : found
      },
      since: (after, limit) => since(client, after, limit).catch(asRemote),
      idle: (timeout_ms) => idle(client, timeout_ms, signal),
      close,
    }
  } catch (error) {
    await close()
    return asRemote(error)
  }
}

async function connect({ host, port, tls, login }: MailServer, tokenOf: TokenOf): Promise<ImapFlow> {
  if (login === undefined) throw new Error('a mailbox is read with a login')
  const [{ ImapFlow: Client }, accessToken] = await Promise.all([import('imapflow'), tokenOf(login)])
  const secure = tls === 'required' && port === 993
  const policy = secure ? {} : { doSTARTTLS: tls === 'required' }
  const proof = accessToken === undefined ? { pass: login.pass ?? '' } : { accessToken }
  const auth = { user: login.user, ...proof }
  const client = new Client({ host, port, secure, ...policy, auth, logger: false, emitLogs: false, ...TIMEOUTS })
  // Whoever awaits the next answer is told; nobody else needs to be.
  client.on('error', () => {})
  await client.connect()
  return client
}

async function bySpecialUse(client: ImapFlow, use: string): Promise<string> {
  const found = (await client.list()).find(({ specialUse }) => specialUse === use)
  if (found === undefined) throw new Error(`there is no folder for ${use}`)
  return found.path
}

async function since(client: ImapFlow, after: number, limit: number): Promise<{ uid: number; source: Buffer }[]> {
  const found: { uid: number; source: Buffer }[] = []
  const uids = (await client.search({ uid: `${after + 1}:*` }, { uid: true })) || []
  // `n:*` holds the last message, whatever n is.
  const wanted = uids.filter((uid) => uid > after).sort((a, b) => a - b)
  for (const uid of wanted.slice(0, limit)) {
    const message = await client.fetchOne(String(uid), { source: true }, { uid: true })
    if (message && message.source !== undefined) found.push({ uid, source: message.source })
  }
  return found
}

function idle(client: ImapFlow, timeout_ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer)
      client.off('exists', end)
      client.off('close', end)
      signal.removeEventListener('abort', end)
      done()
    }
    const timer = setTimeout(end, timeout_ms)
    client.on('exists', end)
    client.on('close', end)
    signal.addEventListener('abort', end)
    client.idle().catch(end)
  })
}
