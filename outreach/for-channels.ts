// What channel files may use beside the contract: `define.ts` hands it on.

export { domainOf, isAddress, senderOf } from './addresses.ts'
export { footerOf } from './footer.ts'
export type { Address, Delivery, Letter, Message, Sender, TaskOutcome, Writing } from './letter.ts'
export { plainLetter } from './letter.ts'
export { inboxOf, type Mailbox, mailboxSchema } from './mailbox.ts'
export { mailboxChecks } from './mailbox-checks.ts'
export { toHtml, toText } from './markdown.ts'
export { TASK_OUTCOMES } from './task-outcomes.ts'
export { resendHttp, resendSchema, sendByResend, traceByResend } from './transports/resend.ts'
export { lookUpByImap, sendBySmtp } from './transports/smtp.ts'
