import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { classify, classifyText } from '../../../../outreach/replies/classify.ts'
import { ownWords } from '../../../../outreach/replies/quotes.ts'
import { classifyPaths } from '../../../../outreach/replies/read-files.ts'
import { readMail } from '../../../../outreach/replies/read-mail.ts'
import { loadRules } from '../../../../outreach/replies/rules.ts'

const rules = loadRules()
const TODAY = '2026-11-22' // a Sunday

async function of(lines: string[]) {
  return classify(await readMail(Buffer.from(lines.join('\r\n'))), rules, TODAY)
}

const said: Record<string, string[]> = {
  'unsubscribe negative': [
    'STOP',
    "I'm not interested, please remove me",
    'Take me off your list',
    'I would love to, but please stop emailing me.',
    'Not intrested, plz stop.',
    "Don't contact me again",
    'Por favor me remova da lista',
    'Parem de me mandar e-mail',
    'Quiero darme de baja',
    'Dejen de enviarme correos',
  ],
  'not_interested negative': [
    'No',
    'Nope',
    '👎',
    'Thanks, but no thanks.',
    'Not intrested in product',
    'Oh great, another sales email',
    'Sure, when hell freezes over.',
    'I love what you do, but it isn’t for us',
    'Were happy w/ current provider.',
    'If I were interested I would have answered.',
    'Não, obrigado',
    'Já temos fornecedor',
    'Que ótimo, mais um spam',
    'No me interesa, gracias',
    'Estamos contentos con nuestro proveedor actual',
    'Ni loco',
  ],
  'not_now negative': ['Isnt priority now', 'Budget is tight this year', 'No tenemos presupuesto', 'Não é prioridade'],
  'not_now neutral': ['I’m busy this week, maybe later.', 'Quem sabe no ano que vem', 'Quizás más adelante'],
  'meeting positive': [
    'Sounds good, what times work for you next week?',
    "I wouldn't say no to a quick chat",
    'Lets schdule product walkthrough!',
    'No problem, happy to chat',
    'Tenho interesse sim, pode me ligar amanhã?',
    'Vamos marcar uma reunião na terça',
    'Llámame el jueves',
    "We are happy with our provider, but let's talk next week",
  ],
  'interested positive': [
    'Yes',
    '👍',
    "Can't wait to see it!",
    'Not only am I interested, I want to start tomorrow',
    'Não vejo a hora de conhecer!',
    'Claro que sí, cuéntame más',
    'Intrested!',
  ],
  'interested neutral': ['How much does it cost?', 'Plz send pricing guide', 'Qual o valor?', '¿Cuánto cuesta?'],
  'referral neutral': [
    'Please talk to Maria, she handles this',
    'Not my area, write to maria@acme.test',
    'Fale com a Mariana, ela cuida disso',
    'Hable con Juan, él se encarga de esto',
  ],
  'referral negative': ['I am not the right person to contact.'],
  'other neutral': [
    'Ok',
    'Thanks!',
    'Who is this?',
    'Let me check with my boss',
    'Vou avaliar com a equipe e te retorno',
  ],
  'auto_reply neutral': [
    'I am on vacation until 12 January, will respond when I return',
    'Estou de férias até 15/01, retorno depois',
    'Estoy de vacaciones hasta el 10 de enero',
  ],
}

describe('words alone', () => {
  it.each(Object.entries(said))('%s', (wanted, texts) => {
    const got = texts.map((text) => {
      const { class: what, sentiment } = classifyText(text, rules, TODAY)
      return `${what} ${sentiment}: ${text}`
    })
    expect(got).toEqual(texts.map((text) => `${wanted}: ${text}`))
  })

  it('of what is quoted below do not count', () => {
    const reply =
      'No, thank you.\n\nOn Fri, 20 Nov 2026 at 10:00, Ana <ana@lead.test> wrote:\n> Shall we schedule a call?\n'
    expect(classifyText(reply, rules, TODAY).class).toBe('not_interested')
    const footer = 'Yes, call me.\n\n> To be taken off this list, answer STOP or unsubscribe'
    expect(classifyText(footer, rules, TODAY).class).toBe('meeting')
  })

  it.each([
    ['Not now, try me again in March', '2027-03-01'],
    ['Reach out again in two months', '2027-01-22'],
    ['Reach out next quarter', '2027-01-01'],
    ['Agora não, me procure em março', '2027-03-01'],
    ['Escríbeme en marzo por favor', '2027-03-01'],
  ])('%s: again on %s', (text, day) => {
    expect(classifyText(text, rules, TODAY)).toMatchObject({ class: 'not_now', again_on: day })
  })
})

describe('out of office', () => {
  const auto = ['From: Bob <bob@acme.test>', 'Date: Sun, 22 Nov 2026 10:00:00 +0000', 'Auto-Submitted: auto-replied']
  it.each([
    ['I am away and back on 7 December.', '2026-12-07'],
    ['I am away until Monday.', '2026-11-23'],
    ['On leave from 23 November to 4 December 2026.', '2026-12-05'],
    ['Estou de férias até 15/12.', '2026-12-16'],
    ['Fora do escritório. Retorno em 5 de janeiro.', '2027-01-05'],
    ['Estaré fuera hasta el 10 de enero.', '2027-01-11'],
    ['Regreso el 2 de diciembre de 2026.', '2026-12-02'],
    ['I will answer soon.', null],
  ])('%s', async (text, day) => {
    const found = await of([...auto, 'Subject: Automatic reply: Hello', '', text])
    expect(found).toMatchObject({ class: 'auto_reply', sentiment: 'neutral', again_on: day })
  })

  it('is told by headers, by subject in any language, and a person’s answer to one is a reply', async () => {
    const from = 'From: Bob <bob@acme.test>'
    const classes = await Promise.all([
      of([from, 'Subject: Re: Hello', 'X-Auto-Response-Suppress: All', '', 'Hi']),
      of([from, 'Subject: Abwesenheitsnotiz: Hallo', '', 'Danke']),
      of([from, 'Subject: Re: Hello', 'Auto-Submitted: no', '', 'Yes, call me']),
      of([from, 'Subject: Re: Out of office', '', 'I am back. Let us talk tomorrow.']),
    ])
    expect(classes.map(({ class: what }) => what)).toEqual(['auto_reply', 'auto_reply', 'meeting', 'meeting'])
  })
})

describe('bounces', () => {
  const dsn = (status: string, words: string, action = 'failed') => [
    'Return-Path: <>',
    'From: Mail Delivery System <MAILER-DAEMON@mx.test>',
    'Subject: Undelivered Mail Returned to Sender',
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'I am sorry to have to inform you that your message could not be delivered.',
    '',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.test',
    '',
    'Final-Recipient: rfc822; Bob@Acme.test',
    `Action: ${action}`,
    `Status: ${status}`,
    `Diagnostic-Code: smtp; ${words}`,
    '',
    '--b--',
  ]
  it.each([
    ['5.1.1', '550 5.1.1 <bob@acme.test>: Recipient address rejected: User unknown', 'hard', 'userunknown'],
    ['5.4.4', '550 Host or domain name not found', 'hard', 'hostunknown'],
    ['5.2.2', '552 5.2.2 Mailbox is full', 'soft', 'mailboxfull'],
    [
      '5.7.1',
      '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org',
      'block',
      'blocked',
    ],
    ['5.7.1', '550 5.7.1 Message rejected as spam', 'block', 'spamdetected'],
    ['5.7.26', '550 5.7.26 This mail is unauthenticated: DMARC policy', 'block', 'authfailure'],
    ['5.0.0', '550 User unknown (in reply to end of DATA command)', 'soft', 'filtered'],
    ['5.2.1', '550 5.2.1 <bob@acme.test>... User unknown', 'soft', 'filtered'],
    ['5.2.1', '550 5.2.1 <bob@acme.test>... User unknown (in reply to RCPT TO command)', 'hard', 'userunknown'],
    ['5.1.1', 'procmail: couldn\'t create "/var/mail/bob" id: bob: no such user', 'soft', 'mailererror'],
    ['5.0.0', '550 The account is disabled: user unknown (in reply to RCPT TO command)', 'soft', 'suspend'],
    ['4.4.3', 'Host or domain name not found. Name service error: Host not found, try again', 'soft', 'networkerror'],
    ['5.4.4', '550 Domain does not exist', 'hard', 'hostunknown'],
  ])('%s %s: %s, %s', async (status, words, kind, reason) => {
    const { class: what, bounces } = await of(dsn(status, words))
    expect({ what, ...bounces[0] }).toMatchObject({ what: 'bounce', kind, reason, status, hard: kind === 'hard' })
    expect(bounces[0]!.recipient).toBe('bob@acme.test')
  })

  it('that still try are soft, and a report of a delivery is none', async () => {
    const delayed = await of(dsn('4.4.1', 'connect to acme.test: Connection timed out', 'delayed'))
    expect(delayed.bounces[0]).toMatchObject({ kind: 'soft', action: 'delayed' })
    expect((await of(dsn('2.0.0', '250 ok', 'delivered'))).class).toBe('auto_reply')
  })

  it('are not what a person writes about them', async () => {
    const reply = ['From: Bob <bob@acme.test>', 'In-Reply-To: <a@lead.test>', 'Subject: Re: Undelivered Mail', '']
    expect(
      (await of([...reply, 'My mailbox was full, your message could not be delivered. Please call me.'])).class,
    ).toBe('meeting')
  })

  it('without a report in the report are read from their words', async () => {
    const { class: what, bounces } = await of([
      'From: MAILER-DAEMON@mx.test',
      'Subject: failure notice',
      '',
      'Hi. This is the qmail-send program at mx.test.',
      '',
      '<bob@acme.test>:',
      '192.0.2.1 does not like recipient.',
      'Remote host said: 550 5.1.1 <bob@acme.test>: no such user',
      'Giving up on 192.0.2.1.',
      '',
      '--- Below this line is a copy of the message.',
      '',
      'Subject: spam',
    ])
    expect({ what, ...bounces[0] }).toMatchObject({ what: 'bounce', kind: 'hard', recipient: 'bob@acme.test' })
  })
})

it('an abuse report is a complaint', async () => {
  const found = await of([
    'From: fbl@isp.test',
    'Subject: FW: Hello',
    'Content-Type: multipart/report; report-type=feedback-report; boundary="b"',
    '',
    '--b',
    'Content-Type: message/feedback-report',
    '',
    'Feedback-Type: abuse',
    'User-Agent: Test/1',
    'Version: 1',
    '',
    '--b--',
  ])
  expect(found).toMatchObject({ class: 'complaint', sentiment: 'negative', complaint: 'abuse' })
})

it.each([
  '11:00 AM, November 17, 2021, "Bob - Acme" <bob@acme.test>:',
  '---- On Wed, 24 Feb 2021 14:02:50 +0530 bob@acme.test wrote ----',
  'Message du : 12/12/2016 13:20',
])('what stands below `%s` is not theirs', (line) => {
  expect(ownWords(`Not interested, thanks.\n\n${line}\n\nYes, call me.`, rules)).toBe('Not interested, thanks.')
})

it('a CSV of nothing but texts may have commas in them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'replies-'))
  try {
    const file = join(folder, 'answers.csv')
    writeFileSync(file, 'text\nThanks, but no, please remove me\n')
    const found: string[] = []
    for await (const line of classifyPaths([file], rules, TODAY)) found.push(line.class)
    expect(found).toEqual(['unsubscribe'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
