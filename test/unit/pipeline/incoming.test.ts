import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { incomingFolder, readIncoming, takeIn, writeIncoming } from '../../../pipeline/incoming.ts'
import { type TestWorld, world } from '../../helpers/world.ts'

const message = (id: string, kind = 'approval') => ({
  id,
  kind,
  at: '2026-01-31T10:00:00.000Z',
  body: { event_id: 'evt_1' },
})

let w: TestWorld
afterEach(() => w.close())

async function opened(options: Parameters<typeof world>[0] = {}) {
  w = await world(options)
  const { data } = w.world.paths
  const take = () => takeIn(data, w.connection, w.world.recorder, w.world.run_id)
  const held = () =>
    w.connection.rows('select id, kind, cast("at" as varchar) as "at", body from _ledger.log.incoming order by id')
  return { data, take, held }
}

describe('what arrives while no run holds the ledger', () => {
  it('is taken in exactly once, and its file goes only then', async () => {
    const { data, take, held } = await opened()
    writeIncoming(data, message('b', 'pause'))
    writeIncoming(data, message('a'))
    expect(readIncoming(data).waiting).toHaveLength(2)
    expect(await take()).toEqual({ taken: 2, rejected: 0 })
    expect(await held()).toEqual([
      { id: 'a', kind: 'approval', at: '2026-01-31 10:00:00', body: '{"event_id":"evt_1"}' },
      { id: 'b', kind: 'pause', at: '2026-01-31 10:00:00', body: '{"event_id":"evt_1"}' },
    ])
    expect(readdirSync(incomingFolder(data))).toEqual([])
    expect(await take()).toEqual({ taken: 0, rejected: 0 })
  })

  it('the same message twice, or left over after a crash, counts once', async () => {
    const { data, take, held } = await opened()
    writeIncoming(data, message('a'))
    writeFileSync(join(incomingFolder(data), 'again.json'), JSON.stringify(message('a')))
    expect((await take()).taken).toBe(1)
    writeIncoming(data, message('a'))
    expect((await take()).taken).toBe(0)
    expect(await held()).toHaveLength(1)
    expect(readdirSync(incomingFolder(data))).toEqual([])
  })

  it('what cannot be read is kept aside with its reason, and the rest goes on', async () => {
    const { data, take, held } = await opened()
    mkdirSync(incomingFolder(data), { recursive: true })
    writeFileSync(join(incomingFolder(data), '1.json'), '{"id":')
    writeFileSync(join(incomingFolder(data), '2.json'), JSON.stringify({ ...message('x'), at: 'yesterday' }))
    writeFileSync(join(incomingFolder(data), '.3.tmp'), 'half')
    writeIncoming(data, message('a'))
    expect(await take()).toEqual({ taken: 1, rejected: 2 })
    expect(await held()).toHaveLength(1)
    expect(existsSync(join(incomingFolder(data), '1.json.rejected'))).toBe(true)
    const rejects = await w.connection.rows<{ reason: string }>('select reason from _ledger.log.rejects order by file')
    expect(rejects).toHaveLength(2)
    expect(rejects[1]!.reason).toContain('at: ')
    expect((await take()).rejected).toBe(0)
  })

  it('a replay of the past takes nothing in', async () => {
    const { data, take } = await opened({ frozen: true })
    writeIncoming(data, message('a'))
    expect(await take()).toEqual({ taken: 0, rejected: 0 })
    expect(readIncoming(data).waiting).toHaveLength(1)
  })
})
