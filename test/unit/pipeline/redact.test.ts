import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSecretName, literalRedactor, redactor } from '../../../pipeline/redact.ts'

const redact = redactor()

describe('what looks like a secret', () => {
  const uuid = '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9'
  it.each([
    ['HubSpot', `pat-na1-${uuid}`],
    ['Salesforce session', '00D5g000004XyZ1!AQ8AQJ_x.y_z1234567890'],
    ['SendGrid', 'SG.abc-DEF_123.xyz-789_ABC'],
    ['Mailgun', `key-${'0123456789abcdef'.repeat(2)}`],
    ['Slack', ['xoxb', '1234567890', 'abcdefghij'].join('-')],
    ['Resend', 're_8Fh2kLm9_QwErTy12345'],
    ['JWT', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r'],
    ['PEM', '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK\n-----END RSA PRIVATE KEY-----'],
    ['cut-off PEM', '-----BEGIN PRIVATE KEY-----\nMIIEow'],
  ])('%s', (_name, secret) => {
    expect(redact(`before ${secret}, after`)).not.toContain(secret.slice(8))
    expect(redact(`before ${secret}`)).toMatch(/^before /)
  })

  it.each([
    ['Authorization: Bearer abc.def', 'Authorization: Bearer [redacted]'],
    ['Authorization: Basic dXNlcjpw', 'Authorization: Basic [redacted]'],
    ['GET /v1/x?api_key=abc&page=2', 'GET /v1/x?api_key=[redacted]&page=2'],
    ['https://h.example/?q=1&KEY=abc', 'https://h.example/?q=1&KEY=[redacted]'],
    ['postgres://user:pass@host/db', 'postgres://[redacted]@host/db'],
    ['{"access_token":"abc","page":1}', '{"access_token":"[redacted]","page":1}'],
    ['/statuses/ana.souza@example.com/', '/statuses/a***@example.com/'],
    ['to=ana%40example.com.br', 'to=a***%40example.com.br'],
    ['CPF 123.456.789-09', 'CPF ***.***.***-**'],
  ])('%s', (text, clean) => expect(redact(text)).toBe(clean))

  it.each(['re_engagement', 'the key is bad', 'page_token=3', 'x@y', '12.345.678/0001-90', 'Bearer'])(
    'leaves %s',
    (text) => expect(redact(text)).toBe(text),
  )
})

describe('loaded secrets', () => {
  it('are hidden as they are, in URLs and in JSON', () => {
    const secret = 'p"ss w/rd+1'
    const hide = literalRedactor([secret])
    for (const text of [secret, encodeURIComponent(secret), JSON.stringify(secret)]) {
      expect(hide(`a ${text} b`)).not.toContain('ss')
    }
  })

  it('never survive, whatever stands around them', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6 }), fc.string(), fc.string(), (secret, before, after) => {
        fc.pre(!'[redacted]'.includes(secret))
        expect(literalRedactor([secret])(before + secret + after)).not.toContain(secret)
      }),
    )
  })

  it('too short to be one do not blank every text; one within another does not leave a rest', () => {
    expect(literalRedactor(['a'])('banana')).toBe('banana')
    expect(literalRedactor(['abcd', 'abcdefgh'])('abcdefgh')).toBe('[redacted]')
  })

  it('may be added later', () => {
    const secrets = new Set<string>()
    const hide = redactor(secrets)
    secrets.add('late-secret')
    expect(hide('a late-secret')).toBe('a [redacted]')
  })
})

it('is fast on hostile text', () => {
  const hostile = `${'a.'.repeat(30_000)}@ ${'eyJ'.repeat(10_000)} ${'http://'.repeat(5_000)}`
  expect(redact(hostile).length).toBeGreaterThan(0)
})

it('knows the names of credentials', () => {
  for (const name of ['Authorization', 'X-Api-Key', 'api_key', 'cookie', 'client_secret', 'X-Auth-Token']) {
    expect(isSecretName(name)).toBe(true)
  }
  for (const name of ['accept', 'content-type', 'q', 'domain']) expect(isSecretName(name)).toBe(false)
})
