import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { watchIncoming, writeIncoming } from '../../../pipeline/incoming.ts'
import { foldPauses, pausesOf, pauseText } from '../../../pipeline/pauses.ts'

let n = 0
const message = (kind: 'pause' | 'resume', body: Record<string, unknown>) => {
  const at = new Date(Date.UTC(2026, 0, 1, 0, 0, n++)).toISOString()
  return { id: `${kind}-${n}`, kind, at, body }
}
const names = (messages: Parameters<typeof foldPauses>[0]) =>
  foldPauses(messages).map(({ what, scope }) => [what, ...Object.values(scope)].join(' '))

describe('what is paused', () => {
  it('all is the three of them, each can be resumed alone', () => {
    const all = message('pause', { what: 'all' })
    expect(names([all])).toEqual(['spend', 'send', 'sync'])
    expect(names([all, message('resume', { what: 'send' })])).toEqual(['spend', 'sync'])
    expect(names([all, message('resume', { what: 'all' })])).toEqual([])
  })

  it('a resume lifts the pause of the same words and no other; without words, every pause', () => {
    const one = message('pause', { what: 'send', mailbox: 'ana@example.com' })
    expect(names([one, message('resume', { what: 'send' })])).toEqual(['send ana@example.com'])
    expect(names([one, message('resume', { what: 'send', mailbox: 'ana@example.com' })])).toEqual([])
    expect(names([one, message('resume', {})])).toEqual([])
  })

  it('follows the time of the messages, each counted once, whatever order they are read in', () => {
    const [first, second] = [message('pause', { what: 'spend' }), message('resume', { what: 'spend' })]
    expect(names([second, first, first])).toEqual([])
    const third = message('pause', { what: 'spend' })
    expect(names([third, second, first])).toEqual(['spend'])
    expect(names([message('pause', { what: 'nonsense' })])).toEqual([])
  })
})

describe('in force at once', () => {
  let data: string
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'lead-engine-pauses-'))
  })
  afterEach(() => rmSync(data, { recursive: true }))

  it('for whoever asks after the message was left, on top of what the ledger holds', () => {
    const pauses = pausesOf([message('pause', { what: 'sync' })], watchIncoming(data))
    expect(pauses.of('spend')).toBeUndefined()
    expect(pauses.of('sync')).toBeDefined()
    writeIncoming(data, message('pause', { what: 'spend' }))
    expect(pauseText(pauses.of('spend')!)).toMatch(/^spend is paused since 2026-.* \(pipeline resume spend\)$/)
    writeIncoming(data, message('resume', {}))
    expect(pauses.all()).toEqual([])
  })

  it('of a mailbox keeps that mailbox alone', () => {
    const pauses = pausesOf([], watchIncoming(data))
    writeIncoming(data, message('pause', { what: 'send', mailbox: 'ana@example.com' }))
    expect(pauses.of('send')).toBeUndefined()
    expect(pauses.of('send', { mailbox: 'bia@example.com' })).toBeUndefined()
    expect(pauses.of('send', { mailbox: 'ana@example.com', sequence: 'first' })).toBeDefined()
  })
})
