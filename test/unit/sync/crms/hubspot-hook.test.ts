import { describe, expect, it } from 'vitest'
import { hook, isSigned } from '../../../../sync/crms/hubspot/hook.ts'

const secret = '11111111-2222-3333-4444-555555555555'
const body = '[{"eventId":1,"subscriptionType":"contact.propertyChange","objectId":123}]'
const call = {
  method: 'POST',
  url: 'https://engine.example.com/webhooks/hubspot?ws=1',
  raw: Buffer.from(body),
  timestamp: '1764000000000',
  signature: 'U9HLTbJ7y7jGs6p05ZJ8uHI0CuvoNXDV0IsAlb3vjGk=',
}
const now = new Date(1_764_000_000_000)

describe('a call signed as HubSpot signs', () => {
  it('is HubSpot’s', () => {
    expect(isSigned(secret, call, now)).toBe(true)
    expect(isSigned(secret, call, new Date(now.getTime() + 299_000))).toBe(true)
    const escaped = 'https%3A%2F%2Fengine.example.com%2Fwebhooks%2fhubspot%3Fws=1'
    expect(isSigned(secret, { ...call, url: escaped }, now)).toBe(true)
  })

  it.each([
    ['another secret', { ...call }, `${secret}x`, now],
    ['another method', { ...call, method: 'GET' }, secret, now],
    ['another address', { ...call, url: call.url.replace('ws=1', 'ws=2') }, secret, now],
    ['an escape that HubSpot does not read', { ...call, url: call.url.replace('ws=1', 'ws%3D1') }, secret, now],
    ['one byte more', { ...call, raw: Buffer.from(`${body} `) }, secret, now],
    ['another time', { ...call, timestamp: '1764000000001' }, secret, now],
    ['five minutes too old', call, secret, new Date(now.getTime() + 300_001)],
    ['five minutes too new', call, secret, new Date(now.getTime() - 300_001)],
    ['a time that is none', { ...call, timestamp: 'soon' }, secret, now],
    ['no signature', { ...call, signature: '' }, secret, now],
    ['half a signature', { ...call, signature: call.signature.slice(0, 20) }, secret, now],
  ])('is not with %s', (_what, other, key, at) => {
    expect(isSigned(key, other, at)).toBe(false)
  })

  it('comes with headers, and is nobody’s where no secret is set', () => {
    const headers = { 'x-hubspot-request-timestamp': call.timestamp, 'x-hubspot-signature-v3': call.signature }
    const came = { method: call.method, url: call.url, headers, raw: call.raw, now }
    const settings = { portal_id: '1', base_url: 'https://api.hubapi.com', concurrency: 5, timeout_s: 30 }
    expect(hook.isGenuine({ ...settings, webhook_secret: secret }, came)).toBe(true)
    expect(hook.isGenuine(settings, came)).toBe(false)
    expect(hook.isGenuine({ ...settings, webhook_secret: secret }, { ...came, headers: {} })).toBe(false)
  })
})

describe('its events', () => {
  it('name the record, and have the same id when they come again', () => {
    const events = [
      { eventId: 1, subscriptionType: 'contact.propertyChange', objectId: 123, occurredAt: 1_764_000_000_000 },
      { eventId: 2, subscriptionType: 'object.creation', objectTypeId: '0-3', objectId: 77 },
      { eventId: 3, subscriptionType: 'company.deletion', objectId: 9 },
      { eventId: 4, subscriptionType: 'conversation.newMessage', objectId: 5 },
    ]
    expect(hook.events(events)).toEqual([
      { id: '1:contact.propertyChange:123', object: 'contacts', crm_id: '123', at: '2025-11-24T16:00:00.000Z' },
      { id: '2:object.creation:77', object: 'deals', crm_id: '77', at: null },
      { id: '3:company.deletion:9', object: 'companies', crm_id: '9', at: null },
    ])
    expect(hook.events(events)).toEqual(hook.events(structuredClone(events)))
  })

  it.each([[null], [{}], [[{}]], ['[]'], [Array(101).fill({ eventId: 1, objectId: 1 })]])('%j are none', (body) => {
    expect(hook.events(body)).toBeNull()
  })
})
