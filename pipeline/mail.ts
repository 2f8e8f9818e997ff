import type { HttpFactory } from './http.ts'
import { openMailFolder } from './mail/imap.ts'
import { createTokens } from './mail/oauth.ts'
import { deliver, greet } from './mail/smtp.ts'

/** How a mailbox proves who it is: a password, or a token that is had for a refresh token (XOAUTH2). */
export interface MailLogin {
  user: string
  pass?: string
  oauth2?: OAuth2
}

/** Where tokens come from. Neither the secrets nor the tokens are ever recorded. */
export interface OAuth2 {
  /** `https://oauth2.googleapis.com/token`. */
  token_url: string
  client_id: string
  client_secret?: string
  refresh_token: string
  scope?: string
}

export interface MailServer {
  host: string
  port: number
  /** Absent: the server asks for no login. */
  login?: MailLogin
  /**
   * - `required`: nothing is said before the connection is encrypted, with a certificate that holds
   * - `none`: in the clear; for servers on this machine
   */
  tls: 'required' | 'none'
}

/** One message as it goes over the wire. Everything that reaches a header is one line without control characters. */
export interface MailMessage {
  message_id: string
  /** ISO 8601 UTC. */
  date: string
  from: { name: string | null; address: string }
  to: string
  reply_to?: string
  subject: string
  text: string
  html?: string
  in_reply_to?: string
  /** From the first of the thread to the one before. */
  references?: readonly string[]
  headers?: Readonly<Record<string, string>>
  /** Who gets it: all of them in one transaction, or nobody. */
  envelope: { from: string; to: readonly string[] }
  dkim?: { domain: string; selector: string; private_key: string }
}

/**
 * What became of a message.
 * - `accepted`: the other side has taken it over
 * - `rejected_temporary`: it has not, and may later
 * - `rejected_permanent`: it has not, and never will
 * - `ambiguous`: all of it was handed over, and no answer came: nobody can tell but by looking
 */
export interface Delivery {
  outcome: 'accepted' | 'rejected_temporary' | 'rejected_permanent' | 'ambiguous'
  /** What the other side said, or what broke, in one line; addresses in it are masked. */
  response: string
  /** What was refused: the recipient, the message, or everything from this sender (login, connection, sender). */
  at?: 'recipient' | 'message' | 'sender'
  /** The other side's own name for the message. */
  provider_id?: string
}

/** A folder of a mailbox, open for as long as it takes; close it. Says nothing that was not asked. */
export interface MailFolder {
  /** Changes when the server has numbered its messages anew. */
  uid_validity: string
  /** Uids of the messages whose header has just this value. */
  search(header: string, value: string): Promise<number[]>
  /** Messages with a uid above `after`, in order, whole as they came, at most `limit`. */
  since(after: number, limit: number): Promise<{ uid: number; source: Buffer }[]>
  /** Resolves when the server tells of something new, after `timeout_ms`, or when the signal aborts. */
  idle(timeout_ms: number): Promise<void>
  close(): Promise<void>
}

/** Mail servers, as a room reaches them: the only way to them. Nothing is retried here; each connection carries one message. */
export interface Mail {
  /** Hands one message over. Never throws for what a server or a connection does. */
  deliver(server: MailServer, message: MailMessage): Promise<Delivery>
  /** Logs in and out again; answers the server's greeting. Throws RemoteError with what was refused. */
  greet(server: MailServer): Promise<string>
  /** Opens a folder (`INBOX`), or one by its special use (`\Sent`). Throws RemoteError. */
  open(server: MailServer, folder: string): Promise<MailFolder>
}

export interface MailDeps {
  http: HttpFactory
  now(): Date
  signal: AbortSignal
}

export function createMail({ http, now, signal }: MailDeps): Mail {
  const tokenOf = createTokens(http, now)
  return {
    deliver: (server, message) => deliver(server, message, tokenOf),
    greet: (server) => greet(server, tokenOf),
    open: (server, folder) => openMailFolder(server, folder, tokenOf, signal),
  }
}
