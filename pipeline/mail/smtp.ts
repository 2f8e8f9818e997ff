import { Readable } from 'node:stream'
import type SMTPConnection from 'nodemailer/lib/smtp-connection'
import { messageOf, RemoteError } from '../errors.ts'
import type { Delivery, MailMessage, MailServer } from '../mail.ts'
import { mimeOf } from './mime.ts'
import type { TokenOf } from './oauth.ts'

/** RFC 5321 §4.5.3.2: whoever gives up on the answer to the final dot too early buys duplicates. */
const TIMEOUTS = {
  connectionTimeout: 20_000,
  greetingTimeout: 60_000,
  dnsTimeout: 20_000,
  socketTimeout: 600_000,
  socketCloseTimeout: 1_000,
}

const GOODBYE_MS = 2_000

interface SmtpError {
  code?: string
  command?: string
  responseCode?: number
  response?: string
  message: string
  /** Who was refused, and each of them. */
  recipient?: string
  rejectedErrors?: SmtpError[]
}

/** How far a message got. */
interface Stage {
  /** Every byte, the final dot's line among them, may be on its way. */
  handed: boolean
  /** Who was refused, so that the message was kept from all. */
  refused?: string
}

/** One message over a connection of its own: to every recipient of the envelope, or to none. */
export async function deliver(server: MailServer, message: MailMessage, tokenOf: TokenOf): Promise<Delivery> {
  const stage: Stage = { handed: false }
  let source: Buffer
  try {
    source = await mimeOf(message)
  } catch (error) {
    return { outcome: 'rejected_permanent', at: 'message', response: masked(messageOf(error)) }
  }
  let connection: SMTPConnection | undefined
  try {
    connection = await connect(server, tokenOf)
    const told = await send(connection, message.envelope, source, stage)
    return { outcome: 'accepted', response: masked(told) }
  } catch (error) {
    const { rejectedErrors = [] } = error as SmtpError
    // The one it is for, before its copy: what a server says of the archive says nothing of the address.
    const first = rejectedErrors.find(({ recipient }) => recipient === message.envelope.to[0])
    const told = first ?? (error as SmtpError)
    return deliveryOf(told, { ...stage, refused: told.recipient }, message.envelope.to[0])
  } finally {
    if (connection !== undefined) leave(connection)
  }
}

/** Logs in and out again. */
export async function greet(server: MailServer, tokenOf: TokenOf): Promise<string> {
  try {
    const connection = await connect(server, tokenOf)
    leave(connection)
    return `${server.host}:${server.port} ${server.tls === 'none' ? 'in the clear' : 'over TLS'}`
  } catch (error) {
    const { response, message, responseCode } = error as SmtpError
    const reason = responseCode === 535 ? 'key' : 'broken'
    throw new RemoteError(masked(response ?? message), `smtp ${server.host}`, { reason, cause: error })
  }
}

async function connect({ host, port, tls, login }: MailServer, tokenOf: TokenOf): Promise<SMTPConnection> {
  const [{ default: Connection }, token] = await Promise.all([
    import('nodemailer/lib/smtp-connection'),
    login === undefined ? undefined : tokenOf(login),
  ])
  const secure = tls === 'required' && port === 465
  const policy = tls === 'required' ? { requireTLS: true } : { ignoreTLS: true }
  const connection = new Connection({ host, port, secure, ...policy, ...TIMEOUTS })
  const broken = new Promise<never>((_, fail) => connection.on('error', fail))
  broken.catch(() => {})
  try {
    await Promise.race([
      broken,
      new Promise<void>((done, fail) => connection.connect((error) => (error ? fail(error) : done()))),
    ])
    if (login !== undefined) await Promise.race([broken, authenticate(connection, login.user, login.pass, token)])
  } catch (error) {
    connection.close()
    throw error
  }
  return connection
}

async function authenticate(connection: SMTPConnection, user: string, pass = '', token?: string): Promise<void> {
  const auth = token === undefined ? { user, pass } : { user, oauth2: await bearer(user, token) }
  return new Promise((done, fail) => connection.login(auth, (error) => (error ? fail(error) : done())))
}

async function bearer(user: string, accessToken: string) {
  const { default: XOAuth2 } = await import('nodemailer/lib/xoauth2')
  return new XOAuth2({ user, accessToken })
}

function send(
  connection: SMTPConnection,
  envelope: MailMessage['envelope'],
  source: Buffer,
  stage: Stage,
): Promise<string> {
  return new Promise((done, fail) => {
    connection.on('error', fail)
    connection.on('end', () => fail(new Error('the connection was closed')))
    const refused = () =>
      (connection as unknown as { _envelope: { rejectedErrors: SmtpError[] } })._envelope.rejectedErrors
    // Read only once the envelope is settled. nodemailer goes on with whoever was accepted: a copy without its message,
    // or a message without its copy. Neither is ever given the text.
    const body = new Readable({
      read() {
        const [first] = refused()
        if (first === undefined) {
          stage.handed = true
          this.push(source)
          this.push(null)
        } else {
          fail(first)
          connection.close()
        }
      },
    })
    connection.send({ ...envelope, to: [...envelope.to], size: source.length }, body, (error, info) =>
      error ? fail(error) : done(info?.response ?? ''),
    )
  })
}

/** Politely, and without waiting for the answer: a server that never says goodbye would hold the process. */
function leave(connection: SMTPConnection): void {
  connection.on('error', () => {})
  setTimeout(() => connection.close(), GOODBYE_MS).unref()
  try {
    connection.quit()
  } catch {
    connection.close()
  }
}

/**
 * Once all was handed over, only an answer tells what became of it. Before that, nothing can have been accepted. An answer
 * of the 5xx kind to the login or the sender says nothing of the message: that is for the mailbox to be mended.
 */
export function deliveryOf(error: SmtpError, stage: Stage, to?: string): Delivery {
  const code = error.responseCode ?? replyCode(error)
  const response = masked(error.response ?? messageOf(error))
  const answered = code !== undefined && code >= 400 && code < 600
  if (stage.handed && !(answered && error.code === 'EMESSAGE')) return { outcome: 'ambiguous', response }
  const command = error.command ?? ''
  const isRecipient = /^(RCPT|API)/.test(command) && error.code === 'EENVELOPE' && (stage.refused ?? to) === to
  const at = isRecipient ? 'recipient' : messageAt(error)
  const permanent = answered && code >= 500 && at !== 'sender'
  return { outcome: permanent ? 'rejected_permanent' : 'rejected_temporary', response, at }
}

function messageAt({ code, command }: SmtpError): 'message' | 'sender' {
  return code === 'EMESSAGE' || (code === 'EENVELOPE' && command === 'DATA') ? 'message' : 'sender'
}

function replyCode({ response }: SmtpError): number | undefined {
  const digits = /^(\d{3})[ -]/.exec(response ?? '')?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** In one line, without the addresses that servers like to repeat. */
export function masked(text: string): string {
  return text
    .replaceAll(/[^\s<>@"']+@[^\s<>@"',;]+/g, '…@…')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, 300)
}
