import { expect, it } from 'vitest'
import { classify } from '../../../../outreach/replies/classify.ts'
import { readMail } from '../../../../outreach/replies/read-mail.ts'
import { loadRules } from '../../../../outreach/replies/rules.ts'

// What servers say, as each kind of them says it; written for this test. What decides: an address that is gone is hard,
// everything else may be otherwise another day, and words about us are a block, whatever code stands beside them.

const rules = loadRules()
const of = async (source: string) =>
  classify(await readMail(Buffer.from(source.replaceAll('\n', '\r\n'))), rules, '2026-11-22')

/** A delivery report (RFC 3464), as Postfix and Exchange write them. */
const report = (status: string, words: string, human = '') => `Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.test>
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

${human || `<bob@acme.test>: host mx.acme.test[192.0.2.1] said: ${words}`}

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.test

Final-Recipient: rfc822; bob@acme.test
Action: failed
Status: ${status}
${words === '' ? '' : `Diagnostic-Code: smtp; ${words}`}

--b--
`

/** Only words, under the name of a program. */
const words = (from: string, subject: string, text: string) => `From: ${from}
Subject: ${subject}
Content-Type: text/plain; charset=utf-8

${text}
`
const exim = (text: string) =>
  words(
    'Mail Delivery System <Mailer-Daemon@mx.test>',
    'Mail delivery failed: returning message to sender',
    `This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  bob@acme.test\n    ${text}\n\n------ This is a copy of the message, including all the headers. ------\n\nSubject: spam blocked unknown user\n`,
  )
const qmail = (text: string) =>
  words(
    'MAILER-DAEMON@mx.test',
    'failure notice',
    `Hi. This is the qmail-send program at mx.test.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<bob@acme.test>:\n${text}\n\n--- Below this line is a copy of the message.\n\nSubject: Hello\n`,
  )
const google = (text: string) =>
  words('Mail Delivery Subsystem <mailer-daemon@googlemail.com>', 'Delivery Status Notification (Failure)', text)
const outlook = (text: string, status = '5.1.10') => report(status, '', text)

it.each<[string, 'hard' | 'soft' | 'block', string]>([
  // The address is gone.
  [
    'postfix: no such user',
    'hard',
    report(
      '5.1.1',
      '550 5.1.1 <bob@acme.test>: Recipient address rejected: User unknown in virtual mailbox table (in reply to RCPT TO command)',
    ),
  ],
  [
    'postfix: name service',
    'hard',
    report(
      '5.4.4',
      '',
      '<bob@acme.test>: Host or domain name not found. Name service error for name=acme.test type=MX: Host not found',
    ),
  ],
  [
    'postfix: no mail there (RFC 7505)',
    'hard',
    report('5.1.0', '556 5.1.10 Domain acme.test does not accept mail (nullMX)'),
  ],
  ['sendmail', 'hard', report('5.1.1', '550 5.1.1 <bob@acme.test>... User unknown')],
  [
    'gmail: does not exist',
    'hard',
    report(
      '5.1.1',
      "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking the recipient's email address for typos or 550 5.1.1 unnecessary spaces. gsmtp (in reply to RCPT TO command)",
    ),
  ],
  [
    'gmail: address not found',
    'hard',
    google(
      "** Address not found **\n\nYour message wasn't delivered to bob@acme.test because the address couldn't be found, or is unable to receive mail.\n",
    ),
  ],
  [
    'gmail: domain not found',
    'hard',
    google(
      "** Address not found **\n\nYour message wasn't delivered to bob@acme.test because the domain acme.test couldn't be found. Check for typos or unnecessary spaces and try again.\n",
    ),
  ],
  [
    'exchange: RecipNotFound',
    'hard',
    outlook(
      "Delivery has failed to these recipients or groups:\n\nbob@acme.test\nThe email address you entered couldn't be found. Please check the recipient's email address and try to resend the message.\n\n550 5.1.1 RESOLVER.ADR.RecipNotFound; not found",
    ),
  ],
  [
    'microsoft 365: 5.1.10',
    'hard',
    outlook(
      "Your message to bob@acme.test couldn't be delivered.\n\nbob wasn't found at acme.test.\n\n550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient bob@acme.test not found by SMTP address lookup",
    ),
  ],
  [
    'microsoft 365: 5.4.1 at the edge',
    'hard',
    report(
      '5.4.1',
      '550 5.4.1 Recipient address rejected: Access denied. [AM6EUR05FT044.eop-eur05.prod.protection.outlook.com]',
    ),
  ],
  [
    'outlook.com',
    'hard',
    report(
      '5.5.0',
      '550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). (in reply to RCPT TO command)',
    ),
  ],
  [
    'exchange in Portuguese',
    'hard',
    outlook(
      'Falha na entrega para estes destinatários ou grupos:\n\nbob@acme.test\nO endereço de e-mail que você inseriu não foi encontrado. Verifique o endereço de e-mail do destinatário e tente reenviar a mensagem.\n\n550 5.1.1 RESOLVER.ADR.RecipNotFound',
    ),
  ],
  [
    'exchange in Spanish',
    'hard',
    outlook(
      'No se pudo entregar a estos destinatarios o grupos:\n\nbob@acme.test\nNo se encontró la dirección de correo electrónico que especificó. Compruebe la dirección e intente reenviar el mensaje.\n\n550 5.1.1 RESOLVER.ADR.RecipNotFound',
    ),
  ],
  ['exim: unrouteable', 'hard', exim('Unrouteable address')],
  [
    'exim: at RCPT',
    'hard',
    exim(
      'SMTP error from remote mail server after RCPT TO:<bob@acme.test>:\n    host mx.acme.test [192.0.2.1]: 550 No such user here',
    ),
  ],
  ['exim: no host', 'hard', exim('all relevant MX records point to non-existent hosts')],
  ['exim: no lookup', 'hard', exim('all host address lookups failed permanently')],
  ['qmail: no mailbox', 'hard', qmail('Sorry, no mailbox here by that name. (#5.1.1)')],
  ['qmail: no host', 'hard', qmail("Sorry, I couldn't find any host named acme.test. (#5.1.2)")],
  [
    'qmail: at RCPT',
    'hard',
    qmail('192.0.2.1 does not like recipient.\nRemote host said: 550 sorry, no such user\nGiving up on 192.0.2.1.'),
  ],
  [
    'vpopmail',
    'hard',
    qmail('This address no longer exists: vdelivermail: sorry, no mailbox here by that name. vpopmail (#5.1.1)'),
  ],
  ['zimbra', 'hard', report('5.1.1', '550 5.1.1 <bob@acme.test>: Recipient address rejected: acme.test')],
  [
    'domino',
    'hard',
    report(
      '5.0.0',
      '',
      'Your message could not be delivered because:\n\nUser bob (bob@acme.test) not listed in Domino Directory',
    ),
  ],
  [
    'yahoo at RCPT',
    'hard',
    report('5.0.0', "554 delivery error: dd This user doesn't have a yahoo.com account (bob@yahoo.com) [0]"),
  ],
  ['locaweb in Portuguese', 'hard', report('5.1.1', '550 5.1.1 <bob@acme.test>: Destinatário inexistente')],
  ['spanish provider', 'hard', report('5.1.1', '550 5.1.1 El usuario bob no existe en este servidor')],
  ['moved', 'hard', report('5.1.6', '551 5.1.6 User not local; please try bob@other.test')],
  [
    'powermta: bad-mailbox',
    'hard',
    report('5.0.0', '550 not delivered').replace(
      'Status: 5.0.0',
      'Status: 5.0.0\nX-PowerMTA-BounceCategory: bad-mailbox',
    ),
  ],
  // Another day.
  ['full, by code', 'soft', report('5.2.2', '552 5.2.2 The email account that you tried to reach is over quota')],
  [
    'full, gmail',
    'soft',
    report(
      '5.2.2',
      "452-4.2.2 The recipient's inbox is out of storage space. Please direct the recipient to 452 4.2.2 https://support.google.com/mail/?p=OverQuotaTemp gsmtp",
    ),
  ],
  ['full, exim', 'soft', exim('retry timeout exceeded')],
  ['full, in Portuguese', 'soft', report('5.0.0', '550 A caixa postal do destinatário está cheia')],
  ['full, in Spanish', 'soft', report('5.0.0', '550 El buzón está lleno')],
  [
    'full, exchange',
    'soft',
    outlook(
      "Delivery has failed to these recipients or groups:\n\nbob@acme.test\nThe recipient's mailbox is full and can't accept messages now. Please try resending your message later.\n\n554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded",
      '5.2.2',
    ),
  ],
  [
    'suspended, gmail',
    'soft',
    report(
      '5.2.1',
      '550 5.2.1 The email account that you tried to reach is disabled. Learn more at https://support.google.com/mail/?p=DisabledUser gsmtp',
    ),
  ],
  [
    'suspended, in words',
    'soft',
    report('5.0.0', '550 5.0.0 <bob@acme.test>: account suspended, contact the administrator'),
  ],
  ['too big', 'soft', report('5.3.4', '552 5.3.4 Message size exceeds fixed limit')],
  [
    'timed out',
    'soft',
    report('4.4.1', '', '<bob@acme.test>: connect to mx.acme.test[192.0.2.1]:25: Connection timed out'),
  ],
  [
    'refused',
    'soft',
    report('4.4.1', '', '<bob@acme.test>: connect to mx.acme.test[192.0.2.1]:25: Connection refused'),
  ],
  [
    'greylisted until it expired',
    'soft',
    report(
      '4.2.0',
      '450 4.2.0 <bob@acme.test>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/acme.test.html',
    ),
  ],
  [
    'unavailable for now',
    'soft',
    report('4.2.0', '450 Requested mail action not taken: mailbox unavailable (in reply to RCPT TO command)'),
  ],
  [
    'not verified yet',
    'soft',
    report(
      '4.1.1',
      '450 4.1.1 <bob@acme.test>: Recipient address rejected: unverified address: Address verification in progress',
    ),
  ],
  ['loop', 'soft', report('5.4.6', '554 5.4.6 Too many hops 26 (25 max)')],
  ['loop, postfix', 'soft', report('5.4.6', '', '<bob@acme.test>: mail for acme.test loops back to myself')],
  ['their disk', 'soft', report('4.3.1', '452 4.3.1 Insufficient system storage')],
  [
    'too many at once',
    'soft',
    report('4.7.0', '421 4.7.0 Too many concurrent SMTP connections; please try again later.'),
  ],
  [
    'filter that calls it unknown once it has heard the message',
    'soft',
    report('5.0.0', '550 User unknown (in reply to end of DATA command)'),
  ],
  ['unknown, but the code is a policy’s', 'soft', report('5.7.1', '550 5.7.1 User unknown: bob@acme.test')],
  // They do not want this, or us.
  [
    'spamhaus',
    'block',
    report(
      '5.7.1',
      '554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.9',
    ),
  ],
  [
    'spamhaus under the code of an unknown user',
    'block',
    report('5.1.1', '550 5.1.1 Your IP 192.0.2.9 is listed in the Spamhaus blocklist'),
  ],
  [
    'microsoft: banned',
    'block',
    report(
      '5.7.606',
      '550 5.7.606 Access denied, banned sending IP [192.0.2.9]. To request removal from this list please visit https://sender.office.com/',
    ),
  ],
  [
    'outlook.com: block list',
    'block',
    report(
      '5.7.1',
      "550 5.7.1 Unfortunately, messages from [192.0.2.9] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140).",
    ),
  ],
  [
    'gmail: unauthenticated',
    'block',
    report(
      '5.7.26',
      '550-5.7.26 This mail has been blocked because the sender is unauthenticated. 550-5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM. gsmtp',
    ),
  ],
  [
    'gmail: unsolicited',
    'block',
    report(
      '5.7.1',
      '550-5.7.1 Our system has detected that this message is likely unsolicited mail. To reduce the amount of spam sent to Gmail, this message has been blocked. gsmtp',
    ),
  ],
  [
    'dmarc',
    'block',
    report('5.7.1', "550 5.7.1 Unauthenticated email from lead.test is not accepted due to domain's DMARC policy"),
  ],
  [
    'spf',
    'block',
    report(
      '5.7.23',
      '550 5.7.23 The message was rejected because of Sender Policy Framework violation -> 550 SPF check failed',
    ),
  ],
  ['ptr', 'block', report('5.7.25', '550 5.7.25 Client host rejected: cannot find your reverse hostname, [192.0.2.9]')],
  ['relay', 'block', report('5.7.1', '554 5.7.1 <bob@acme.test>: Relay access denied')],
  ['content', 'block', report('5.7.1', '554 5.7.1 Message rejected under suspicion of SPAM; https://ya.cc/1IrBc')],
  ['virus', 'block', report('5.7.1', '554 5.7.1 Message infected by virus Eicar-Test')],
  [
    'members only',
    'block',
    outlook(
      "Your message to group@acme.test couldn't be delivered.\n\ngroup only accepts messages from people in its organization or on its allowed senders list, and your email address isn't on the list.\n\n550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup",
      '5.7.133',
    ),
  ],
  [
    'mimecast',
    'block',
    report('5.7.1', '550 csi.mimecast.org Poor Reputation Sender. - https://community.mimecast.com/docs/DOC-1369#550'),
  ],
  [
    'barracuda',
    'block',
    report(
      '5.7.1',
      '554 5.7.1 Blocked by Barracuda Reputation; https://www.barracudanetworks.com/reputation/?r=1&ip=192.0.2.9',
    ),
  ],
  [
    'proofpoint',
    'block',
    report('5.7.1', '550 5.7.1 Email rejected due to security policies - blocked by Proofpoint Protection Server'),
  ],
  [
    'sender unknown',
    'block',
    report('5.1.8', '553 5.1.8 <ana@lead.test>... Domain of sender address ana@lead.test does not exist'),
  ],
])('%s: %s', async (_, kind, source) => {
  const { class: what, bounces } = await of(source)
  expect({ what, kind: bounces[0]?.kind, hard: bounces[0]?.hard }, bounces[0]?.reason).toEqual({
    what: 'bounce',
    kind,
    hard: kind === 'hard',
  })
})
