import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LeadFacts } from '../../helpers/marts.ts'
import { type OutreachWorld, outreachWorld } from '../../helpers/outreach-world.ts'
import { type FaultyServer, faultySmtp } from '../../helpers/smtp-faults.ts'

let server: FaultyServer
const open: OutreachWorld[] = []
beforeEach(async () => {
  server = await faultySmtp()
})
afterEach(async () => {
  for (const one of open.splice(0)) one.close()
  await server.close()
})

const channels = (more = '', mailbox = '') =>
  `{ email: { mailboxes: [{ from: "Ana Souza <ana@lead.test>", smtp: { host: 127.0.0.1, port: ${server.port} }, per_day: 10000${mailbox} }], postal_address: 1 Test Street${more} }, linkedin: {} }`

async function start(leads: number | readonly LeadFacts[], yaml = channels(), together = 1) {
  const list = typeof leads === 'number' ? Array.from({ length: leads }, () => ({})) : leads
  const made = await outreachWorld({ channels: yaml, leads: list, together })
  open.push(made)
  await made.stage()
  return made
}

const statuses = async (made: OutreachWorld, step = 'intro') =>
  (await made.events(`step_id = '${step}'`)).map(({ status }) => status)
const recipients = () => server.accepted.map(({ to }) => to[0]!)

describe('approval is of exact words', () => {
  it('nothing leaves without one, and what is approved leaves once', async () => {
    const made = await start(3)
    expect(server.accepted).toEqual([])
    await made.approve(`step_id = 'intro' and lead_id <> 'led_2'`)
    expect((await made.stage()).text).toBe('2 sent')
    expect(await statuses(made)).toEqual(['sent', 'planned', 'sent'])
    expect((await made.stage()).text).toBe('0 sent')
    expect(server.accepted).toHaveLength(2)
    const [sent] = await made.events(`step_id = 'intro' and lead_id = 'led_1'`)
    expect(sent).toMatchObject({ approved_by: 'boss', attempts: 1, response: '250 2.0.0 queued as 1' })
    const theirs = server.accepted.find(({ to }) => to[0] === sent!.address)!
    expect(theirs.text).toContain(`Message-ID: ${sent!.message_id}`)
    expect(sent!.message_id).toMatch(/^<[0-9a-f]{40}@lead\.test>$/)
  })

  it('of words that have changed since is void: nothing leaves', async () => {
    const made = await start(1)
    const [event] = await made.events(`step_id = 'intro'`)
    made.say('approve', { by: 'boss', messages: [{ event_id: event!.event_id, content_hash: 'of something else' }] })
    await made.stage()
    expect(await statuses(made)).toEqual(['planned'])
    const [decision] = await made.connection.rows('select outcome, decided_by from raw.outreach__decisions')
    expect(decision).toEqual({ outcome: 'void_changed', decided_by: 'boss' })
  })

  it('what changes after it, even in the way it is sent, voids it right before it would leave', async () => {
    const made = await start(2)
    await made.approve(`step_id = 'intro'`)
    await made.begin()
    await made.run('decide')
    await made.connection.run(
      `update marts.fct_enriched_leads set email = 'moved@company.example' where lead_id = 'led_1'`,
    )
    expect((await made.run('send')).text).toBe('1 sent, 1 no longer as approved')
    expect(await statuses(made)).toEqual(['planned', 'sent'])
    expect(recipients()).not.toContain('moved@company.example')
  })

  it('an edited message is pinned, leaves as it was edited, and says so', async () => {
    const made = await start(1)
    const [event] = await made.events(`step_id = 'intro'`)
    const { event_id, content_hash } = event!
    made.say('edit', { by: 'boss', event_id, content_hash, subject: 'Mine', body: 'My **own** words', approve: true })
    await made.stage()
    expect(await made.events(`step_id = 'intro'`)).toMatchObject([{ status: 'sent', subject: 'Mine', pinned: true }])
    expect(server.accepted[0]!.text).toMatch(/Subject: Mine[\s\S]*My own words[\s\S]*<strong>own<\/strong>/)
  })

  it('a refused message never leaves, nor what would follow it', async () => {
    const made = await start(1)
    const [event] = await made.events(`step_id = 'intro'`)
    made.say('reject', { by: 'boss', events: [event!.event_id], reason: 'no' })
    await made.stage()
    await made.approve()
    await made.stage()
    made.later(24 * 30)
    await made.stage()
    expect(await statuses(made)).toEqual(['rejected'])
    expect(server.accepted).toEqual([])
  })
})

describe('never twice', () => {
  it.each(['reset_after_dot', 'close_after_dot'] as const)(
    '%s: in doubt, listed, and never sent again',
    async (fault) => {
      const made = await start(2)
      await made.approve(`step_id = 'intro'`)
      server.play((n) => (n === 0 ? fault : 'none'))
      expect((await made.stage()).text).toBe('1 sent, 1 in doubt (pipeline review)')
      made.later(48)
      await made.stage()
      expect((await statuses(made)).sort()).toEqual(['in_doubt', 'sent'])
      expect(server.accepted).toHaveLength(2)
      const [event] = await made.events(`status = 'in_doubt'`)
      made.say('review', { kind: 'message', item_id: event!.event_id, decision: 'was_sent' })
      await made.stage()
      expect(await statuses(made)).toEqual(['sent', 'sent'])
      expect(server.accepted).toHaveLength(2)
    },
  )

  it.each(['rcpt_450', 'dot_451', 'mail_451', 'drop_at_data', 'greeting_421'] as const)(
    '%s: later, and then once',
    async (fault) => {
      const made = await start(1)
      await made.approve(`step_id = 'intro'`)
      server.play(() => fault)
      await made.stage()
      expect(await statuses(made)).toEqual(['approved'])
      server.play(() => 'none')
      expect((await made.stage()).counts).toMatchObject({ sent: 0 })
      made.later(1)
      await made.stage()
      expect([await statuses(made), server.accepted.length]).toEqual([['sent'], 1])
    },
  )

  it('a mailbox that does not exist is not tried again, by any sequence', async () => {
    const made = await start(1)
    await made.approve(`step_id = 'intro'`)
    server.play(() => 'rcpt_550')
    expect((await made.stage()).text).toBe('0 sent, 1 refused')
    const [event] = await made.events(`step_id = 'intro'`)
    expect(event).toMatchObject({ status: 'failed', sent_at: null })
    expect(made.incoming()).toMatchObject([{ kind: 'suppress', body: { by: 'email', value: event!.address } }])
  })

  it('an intent that a dead run left behind is not sent again without proof', async () => {
    const made = await start(1)
    await made.approve(`step_id = 'intro'`)
    await made.begin()
    await made.run('decide')
    await made.connection.run(
      `update _ledger.raw.outreach__events set status = 'sending', claimed_at = timestamp '2026-11-23 11:00:00' where status = 'approved'`,
    )
    expect((await made.send()).text).toContain('in doubt')
    expect([await statuses(made), server.accepted.length]).toEqual([['in_doubt'], 0])
  })
})

describe('who must not be written to', () => {
  it('an opt-out that comes between plan and send, or while others are sent, keeps the message here', async () => {
    const [leads, opting] = [60, 50]
    const made = await start(leads)
    await made.approve(`step_id = 'intro'`)
    await made.begin()
    await made.run('decide')
    const seed = fc.sample(fc.integer({ min: 1, max: 2 ** 30 }), 1)[0]!
    let state = seed
    const dice = (n: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return (state >>> 8) % n
    }
    const intros = await made.events(`step_id = 'intro'`)
    const left = new Map(intros.slice(0, opting).map((event) => [event.address!, event]))
    /** Who opted out, and how many messages had been handed over by then. */
    const gone = new Map<string, number>()
    const optOut = (many: number) => {
      for (const [address, { contact_id }] of [...left].slice(0, many)) {
        left.delete(address)
        if (recipients().includes(address)) continue
        gone.set(address, recipients().length)
        const tagged = address.toUpperCase().replace('@', '+NEWS@')
        const [by, value] = dice(2) === 0 ? ['email', tagged] : ['contact_id', contact_id!]
        made.say('suppress', { action: 'add', by, value })
      }
    }
    optOut(opting - 20)
    server.play(() => {
      optOut(dice(5))
      return 'none'
    })
    await made.run('send')
    // Whoever was on the line when it came could not be called back: the next message that was handed over.
    const wrong = [...gone].filter(([address, before]) => recipients().indexOf(address) > before)
    expect(wrong, `seed ${seed}`).toEqual([])
    expect(gone.size).toBeGreaterThanOrEqual(opting - 20)
  })

  it('whom somebody snoozes or decides on between plan and send waits, and who is held back by the models', async () => {
    const made = await start(4)
    await made.approve(`step_id = 'intro'`)
    await made.begin()
    await made.run('decide')
    made.say('lead_snooze', { lead_id: 'led_1', until: '2027-01-15', by: 'ana' })
    made.say('score_override', { lead_id: 'led_2', tier: 'C', reason: 'no', until: '2027-01-15' })
    await made.connection.run(`insert into ops.lead_holds values ('led_3', 'human_in_touch: meeting', null)`)
    expect((await made.run('send')).text).toBe('1 sent, 2 stopped by the guard, 1 wait: decided_since')
    expect((await made.events(`step_id = 'intro'`)).map(({ status, skip_reason }) => skip_reason ?? status)).toEqual([
      'snoozed',
      'approved',
      'human_in_touch: meeting',
      'sent',
    ])
    expect(server.accepted).toHaveLength(1)
  })

  it('a pause holds what has not left, and after it the others leave, once each', async () => {
    const made = await start(8)
    await made.approve(`step_id = 'intro'`)
    server.play((n) => {
      if (n === 3) made.say('pause', { what: 'send' })
      return 'none'
    })
    expect((await made.stage()).text).toMatch(/^[34] sent, [45] wait: paused$/)
    made.say('resume', { what: 'send' })
    await made.stage()
    expect(await statuses(made)).toEqual(Array(8).fill('sent'))
    expect(new Set(recipients()).size).toBe(8)
    expect(server.accepted).toHaveLength(8)
  })

  it('a mailbox sends no more than its cap a day, counted from the ledger', async () => {
    const made = await start(5, channels().replace('per_day: 10000', 'per_day: 2'))
    await made.approve(`step_id = 'intro'`)
    expect((await made.stage()).text).toBe('2 sent, 3 wait: mailbox_full_today')
    expect((await made.stage()).text).toBe('0 sent, 3 wait: mailbox_full_today')
    made.later(24)
    expect((await made.send()).text).toContain('2 sent')
  })

  it('a mailbox that too many refuse stops by itself, until somebody has looked and lets it go on', async () => {
    const made = await start(24)
    await made.approve(`step_id = 'intro'`)
    await made.begin()
    await made.run('decide')
    await made.connection.run(
      `update _ledger.raw.outreach__events set status = case when lead_id = 'led_1' then 'bounced' else 'sent' end,
         sent_at = timestamp '2026-11-23 14:00:00' where step_id = 'intro' and lead_id not in ('led_22', 'led_23', 'led_24')`,
    )
    expect((await made.run('send')).text).toBe('0 sent, 3 wait: mailbox_bounces')
    made.say('resume', { what: 'send', mailbox: 'ana@lead.test' })
    expect((await made.send()).text).toBe('3 sent')
  })

  it.each([
    ['per_day: 2', 2, 'mailbox_full_today'],
    ['per_day: 9, gap_s: { min: 60, max: 90 }', 1, 'gap_between_messages'],
  ])('nor does it with many intents written at once: %s', async (pace, sent, reason) => {
    const made = await start(5, channels().replace('per_day: 10000', pace), 20)
    await made.approve(`step_id = 'intro'`)
    expect((await made.stage()).text).toBe(`${sent} sent, ${5 - sent} wait: ${reason}`)
    expect(server.accepted).toHaveLength(sent)
  })

  it('those who cannot be written to now hold up nobody, however many they are', async () => {
    const asleep = { company: { country: 'US', state: 'HI' } }
    const made = await start([...Array.from({ length: 220 }, () => asleep), {}])
    await made.connection.run(`delete from _ledger.raw.outreach__events where step_id <> 'intro'`)
    const ids = await made.events()
    await made.connection.run(
      `update _ledger.raw.outreach__events set status = 'approved', planned_at = case when lead_id = 'led_221' then timestamp '2026-11-23 00:00:01' else planned_at end`,
    )
    expect(ids).toHaveLength(221)
    expect((await made.run('send')).text).toBe('1 sent, 220 wait: outside_hours')
  })

  it('on a target that is not live it counts, and sends nothing', async () => {
    const made = await outreachWorld({ channels: channels(), leads: [{}, {}], live: [] })
    open.push(made)
    await made.stage()
    await made.approve(`step_id = 'intro'`)
    expect((await made.stage()).text).toBe('2 approved and due; none sent: the target is not live for it')
    expect([await statuses(made), server.accepted]).toEqual([['approved', 'approved'], []])
  })
})

it('a follow-up threads: it names what went before, and waits until that has left', async () => {
  const made = await start(1, channels().replace(', linkedin: {}', ', linkedin: { expires_days: 1 }'))
  await made.approve()
  expect((await made.stage()).text).toContain('1 sent')
  const [task] = await made.events(`channel = 'linkedin'`)
  made.later(24 * 18)
  expect((await made.send()).text).toBe('0 sent, 1 wait: earlier_step_open')
  made.say('task', { by: 'ana', event_id: task!.event_id, outcome: 'not_found' })
  await made.send()
  const [intro, connect, follow_up] = await made.events()
  expect([intro!.status, connect!.status, connect!.skip_reason, follow_up!.status]).toEqual([
    'sent',
    'skipped',
    'not_found',
    'sent',
  ])
  expect(server.accepted[1]!.text).toContain(`In-Reply-To: ${intro!.message_id}`)
  expect(server.accepted[1]!.text).toContain(`References: ${intro!.message_id}`)
})
