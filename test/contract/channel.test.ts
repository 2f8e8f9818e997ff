import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Address } from '../../outreach/define.ts'
import { loadChannel } from '../../outreach/load-channel.ts'

/** An address of each kind that nothing is wrong with. */
const GOOD: Record<Address, string> = {
  email: 'given.family@company.example',
  linkedin_url: 'https://www.linkedin.com/in/given-family',
  phone: '+5511999990000',
}

const names = readdirSync('outreach/channels').map((file) => file.replace(/\.ts$/, ''))

describe.each(names)('channel %s', async (name) => {
  const channel = (await loadChannel(name))!
  const message = {
    address: GOOD[channel.address],
    address_status: null,
    address_is_role: false,
    subject: channel.subject ? 'About you' : null,
    body: 'Hello',
  }

  test('bears a snake_case name, a title and where its rules are written', () => {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/)
    expect(channel.title).not.toBe('')
    expect(z.url().safeParse(channel.docs).success).toBe(true)
  })

  test('works without settings, and takes none it does not know', () => {
    const settings = channel.settings.parse({})
    expect(channel.senders?.(settings) ?? []).toEqual([])
    expect(channel.settings.safeParse({ no_such_setting: 1 }).success).toBe(false)
  })

  test('lets a plain message pass', () => {
    expect(channel.refuses(message)).toBeUndefined()
  })

  test('refuses an address that is none, and one that would break out of a header', () => {
    for (const address of ['', 'nobody', `${message.address}\r\nBcc: all@company.example`]) {
      expect(channel.refuses({ ...message, address })).toMatch(/^[a-z][a-z0-9_]*$/)
    }
  })

  test('answers for any message, always the same, in a reason that repeats nothing of it', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 400 })
    fc.assert(
      fc.property(text, fc.option(text), text, (address, subject, body) => {
        const one = { ...message, address, subject: channel.subject ? subject : null, body }
        const reason = channel.refuses(one)
        expect(channel.refuses(one)).toBe(reason)
        expect(reason ?? 'none').toMatch(/^[a-z][a-z0-9_]*$/)
      }),
    )
  })
})
