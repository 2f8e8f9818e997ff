import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OutreachEvent } from '../../outreach/events.ts'
import { writeIncoming } from '../../pipeline/incoming.ts'
import type { Connection } from '../../pipeline/warehouse/duckdb.ts'
import { openSession } from '../../pipeline/warehouse/session.ts'
import { pipeline, projectCopy } from './cli.ts'

export interface OutreachProject {
  root: string
  /** Messages that are approved or under way. */
  open(): Promise<number>
  /** Message-IDs that a person is asked about. */
  inDoubt(): Promise<string[]>
  /** What is put off is due now, and intents are old enough to be looked up. */
  forward(): Promise<void>
  events(where?: string): Promise<OutreachEvent[]>
}

const SEQUENCE = `description: Bench.
audience: "contact_id is not null"
days: [mon, tue, wed, thu, fri, sat, sun]
hours: any
balancing_note: It is a test.
language: en
steps:
  - { id: intro, channel: email, after_days: 0, template: bench/intro }
`

/** A project on disk, live for send alone, with so many approved messages: as `pipeline run` and `approve` leave it. */
export async function outreachProject(options: {
  messages: number
  smtp_port: number
  /** Port of the IMAP server that has the archive; absent: there is none. */
  imap_port?: number
  /** 100,000 unless said. */
  per_day?: number
  /** Whom they go to, in order; one more person each at `.example` where this ends. */
  addresses?: readonly string[]
  /** Besides `send`. */
  live?: readonly string[]
  /** A second message follows the first at once, in its thread; nobody has approved it yet. */
  follow_up?: boolean
}): Promise<OutreachProject> {
  const { messages, smtp_port, imap_port, addresses = [], live = [], follow_up = false } = options
  const root = projectCopy(
    {
      'outreach/sequences/bench.yml': follow_up
        ? `${SEQUENCE}  - { id: more, channel: email, after_days: 0, template: bench/more }\n`
        : SEQUENCE,
      'outreach/templates/bench/more.en.md': '---\nsubject: "Re: About {company_name}"\n---\n\nOnce more.\n',
      'outreach/templates/bench/intro.en.md': '---\nsubject: "About {company_name}"\n---\n\nHi {first_name|there}.\n',
    },
    20,
  )
  const reads = (user: string) => `imap: { host: 127.0.0.1, port: ${imap_port}, user: ${user}@lead.test, pass: pw }`
  const archive = `${reads('seller')}, archive: { address: archive@lead.test, ${reads('archive')} }, settle_s: 3, `
  const mailbox = `{ from: "Ana <seller@lead.test>", smtp: { host: 127.0.0.1, port: ${smtp_port} }, ${imap_port === undefined ? '' : archive}per_day: ${options.per_day ?? 100_000} }`
  const file = join(root, 'pipeline.yaml')
  const text = readFileSync(file, 'utf8').replace(
    /^outreach:.*$/m,
    `outreach: { channels: { email: { mailboxes: [${mailbox}], postal_address: "1 Test Street", unsubscribe: { url: "https://lead.test/unsubscribe", mailto: seller@lead.test } } }, sequences: [bench] }`,
  )
  writeFileSync(file, text)
  const first = await pipeline(root, ['run', '--quiet'])
  if (first.code !== 0) throw new Error(first.stderr)
  const ledger = join(root, 'data', 'ledger.duckdb')
  const build = join(root, 'data', '.build', 'warehouse.duckdb')
  const opened = async <T>(work: (session: Awaited<ReturnType<typeof openSession>>) => Promise<T>): Promise<T> => {
    const session = await openSession({ ledger, build, as_of: '2000-01-01' })
    try {
      return await work(session)
    } finally {
      session.close()
    }
  }
  const current = `(select * from _ledger.raw.outreach__events
    qualify row_number() over (partition by event_id order by _fetched_at desc, _load desc) = 1)`
  const ledger_id = await opened(async ({ connection }) => {
    await multiply(connection, messages, addresses)
    return (await connection.rows<{ id: string }>('select ledger_id as id from _ledger.log.info'))[0]!.id
  })
  writeFileSync(
    file,
    text.replace(/^( {2}dev: \{.*) \}$/m, `$1, ledger_id: ${ledger_id}, live: [${['send', ...live].join(', ')}] }`),
  )
  // Plans the messages of the leads that were added, and sends nothing, since nobody has approved any.
  const planned = await pipeline(root, ['run', '--quiet', '--stage', 'outreach'])
  if (planned.code !== 0) throw new Error(planned.stderr)
  const events = (where = 'true') =>
    opened(({ connection }) =>
      connection.rows<OutreachEvent>(`select * from ${current} where ${where} order by event_id`),
    )
  const waiting = await events(`status = 'planned'`)
  const due = follow_up ? 2 * messages : messages
  if (waiting.length !== due) throw new Error(`${waiting.length} messages are planned, not ${due}`)
  writeIncoming(join(root, 'data'), {
    id: `approve-${randomUUID()}`,
    kind: 'approve',
    at: new Date().toISOString(),
    body: {
      by: 'judge',
      messages: waiting.flatMap(({ event_id, content_hash, step_id }) =>
        step_id === 'intro' ? [{ event_id, content_hash }] : [],
      ),
    },
  })
  return {
    root,
    events,
    open: async () => (await events(`status in ('planned', 'approved', 'sending')`)).length,
    inDoubt: async () => (await events(`status = 'in_doubt'`)).map(({ message_id }) => message_id!),
    forward: async () => {
      await opened(({ connection }) =>
        connection.run(
          `update _ledger.raw.outreach__events set next_attempt_at = null where next_attempt_at is not null`,
        ),
      )
      await new Promise((done) => setTimeout(done, 100))
    },
  }
}

/** So many leads that differ in who they are alone, in the place of those that there are. */
async function multiply(connection: Connection, count: number, addresses: readonly string[]): Promise<void> {
  const [model] = await connection.rows<{ lead_id: string; company_id: string; contact_id: string }>(`
    select leads.lead_id, leads.company_id, leads.contact_id
    from _build.marts.fct_scored_leads as leads
    join _build.marts.dim_contacts as contacts on contacts.contact_id = leads.contact_id
    where leads.qualification_status = 'qualified' and contacts.email is not null
    order by contacts.email_status = 'valid' desc, leads.lead_id limit 1`)
  const { lead_id, company_id, contact_id } = model!
  const given = addresses.map((address, index) => `when ${index + 1} then '${address}'`).join(' ')
  const usual = `'p' || n || '@c' || n || '.example'`
  const email = given === '' ? usual : `case n ${given} else ${usual} end`
  const own: [string, string, Record<string, string>][] = [
    [
      'dim_companies',
      `company_id = '${company_id}'`,
      {
        company_id: `'cmp_' || n`,
        name: `'Company ' || n`,
        domain: `'c' || n || '.example'`,
        cnpj: 'null::varchar',
        is_icp_match: 'true',
      },
    ],
    [
      'dim_contacts',
      `contact_id = '${contact_id}'`,
      {
        contact_id: `'con_' || n`,
        company_id: `'cmp_' || n`,
        email,
        linkedin_url: 'null::varchar',
        phone: 'null::varchar',
      },
    ],
    [
      'fct_enriched_leads',
      `lead_id = '${lead_id}'`,
      { lead_id: `'led_' || n`, company_id: `'cmp_' || n`, contact_id: `'con_' || n` },
    ],
    [
      'fct_scored_leads',
      `lead_id = '${lead_id}'`,
      { lead_id: `'led_' || n`, company_id: `'cmp_' || n`, contact_id: `'con_' || n` },
    ],
  ]
  for (const [table, where, values] of own) {
    const there = await connection.describe(`select * from _build.marts.${table}`)
    const names = new Set(there.map(({ name }) => name))
    const more = names.has('email') ? { email } : {}
    const replaced = Object.entries({ ...values, ...more }).filter(([name]) => names.has(name))
    await connection.run(`
      create or replace table _build.marts.${table} as
      select model.* replace (${replaced.map(([name, value]) => `${value} as ${name}`).join(', ')})
      from (select * from _build.marts.${table} where ${where} limit 1) as model, range(1, ${count + 1}) as copies(n)`)
  }
}
