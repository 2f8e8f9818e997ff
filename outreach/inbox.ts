import type { MailServer } from '../pipeline/mail.ts'

/** Where answers to what a channel sent arrive. */
export interface Inbox {
  /** The address that they are for: what `fct_outreach_events.mailbox` says. */
  mailbox: string
  server: MailServer
  /** `INBOX`. */
  folder: string
}
