import { createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { noNames } from '../../../../pipeline/forget/names.ts'
import {
  dropForgotten,
  keyOf,
  markOf,
  markSql,
  marksOf,
  readTombstones,
} from '../../../../pipeline/forget/tombstones.ts'
import { takeIn, writeIncoming } from '../../../../pipeline/incoming.ts'
import type { LedgerTable } from '../../../../pipeline/step.ts'
import { type TestWorld, world } from '../../../helpers/world.ts'

const secret = Buffer.from('0123456789abcdef0123456789abcdef')
const names = noNames()
names.emails.add('ana@acme.example')
names.profiles.add('in/ana-1')
names.records.add('list/7')

async function forgotten(made: TestWorld): Promise<void> {
  const key = keyOf(secret)
  await made.connection.run('insert into _ledger.log.forget_key values ($1, $2)', [key.inner, key.outer])
  for (const { kind, mark } of marksOf(key, names))
    await made.connection.run(`insert into _ledger.log.forgotten values ($1, $2, timestamp '2026-01-01', null)`, [
      kind,
      mark,
    ])
}

const TABLE: LedgerTable = {
  ...{ source: 'list', table: 'people', description: 'People', write: 'merge', key: ['id'], payload: true },
  columns: { id: 'VARCHAR', email: 'VARCHAR', page: 'VARCHAR', company_email: 'VARCHAR' },
  pii: ['email', 'page', 'company_email'],
  about: { record: 'id', email: 'email', profile: 'page' },
}
const step = {
  name: 's',
  kind: 'step',
  stage: 'x',
  file: 'x',
  description: 'x',
  reads: [],
  records: [TABLE],
  fingerprint: null,
} as const

it('a mark is an HMAC-SHA-256, the same in SQL and JavaScript, and tells nothing without the key', async () => {
  const made = await world()
  try {
    await forgotten(made)
    const expected = createHmac('sha256', secret).update('email:ana@acme.example').digest('hex')
    expect(markOf(keyOf(secret), 'email', 'ana@acme.example')).toBe(expected)
    const [row] = await made.connection.rows<{ mark: string }>(
      `select ${markSql('email', `'ana@acme.example'`)} as mark`,
    )
    expect(row!.mark).toBe(expected)
    const stored = JSON.stringify(await made.connection.rows('select * from _ledger.log.forgotten'))
    expect(stored).toContain(expected)
    expect(stored).not.toMatch(/acme|ana|in\//)
  } finally {
    made.close()
  }
})

it('what comes in again by key, address or page is not recorded; what names them in other rows is cut out', async () => {
  const made = await world()
  try {
    const context = await made.context({ ...step, run: async () => ({ rows: 0, text: '' }) })
    const rows = [
      { id: '7', email: null, page: null, company_email: null },
      { id: '8', email: 'Ana+x@ACME.example', page: null, company_email: null },
      { id: '9', email: null, page: 'https://linkedin.com/in/Ana-1/', company_email: null },
      { id: '10', email: 'bo@acme.example', page: null, company_email: 'ana@acme.example' },
    ].map((row) => ({ ...row, note: row.id === '10' ? 'ask ana@acme.example first' : null }))
    await forgotten(made)
    await context.record(TABLE, [rows])
    const kept = await made.connection.rows<{ id: string; company_email: string; _payload: string }>(
      'select id, company_email, _payload from _ledger.raw.list__people',
    )
    expect(kept.map(({ id, company_email }) => [id, company_email])).toEqual([['10', null]])
    expect(JSON.parse(kept[0]!._payload)).toMatchObject({ id: '10', company_email: null, note: 'ask [erased] first' })
    expect(await dropForgotten(made.connection, TABLE, '_ledger.raw.list__people')).toBe(0)
  } finally {
    made.close()
  }
})

it('a message about them that waits is not kept, and a list loses them alone', async () => {
  const made = await world()
  try {
    await forgotten(made)
    const { data } = made.world.paths
    const at = '2026-11-22T10:00:00Z'
    const entries = ['ana@acme.example', 'bo@acme.example'].map((value) => ({ by: 'email', value }))
    writeIncoming(data, {
      id: 'one',
      kind: 'suppress',
      at,
      body: { action: 'add', by: 'email', value: 'Ana@acme.example' },
    })
    writeIncoming(data, { id: 'list', kind: 'suppress', at, body: { action: 'add', entries } })
    await takeIn(data, made.connection, made.world.recorder, 'run_000001')
    const kept = await made.connection.rows<{ id: string; body: string }>('select id, body from _ledger.log.incoming')
    expect(kept.map(({ id, body }) => [id, JSON.parse(body)])).toEqual([
      ['list', { action: 'add', entries: [entries[1]] }],
    ])
    expect((await readTombstones(made.connection)).has('email', 'ana@acme.example')).toBe(true)
  } finally {
    made.close()
  }
})
