import { expect, it } from 'vitest'
import { inFlight } from '../../../outreach/moved-messages.ts'
import { openDatabase } from '../../../pipeline/warehouse/duckdb.ts'

it('counts the leads that an older version of a sequence has written to, and that have not left it', async () => {
  const database = await openDatabase({ threads: 1 })
  const connection = await database.connect()
  await connection.run(`
    create schema raw;
    create table raw.outreach__events as from (values
      ('led_1', 'first', 'old', 1, 'e1', 'sent'), ('led_1', 'first', 'new', 2, 'e2', 'planned'),
      ('led_2', 'first', 'old', 1, 'e3', 'sent'), ('led_2', 'first', 'old', 2, 'e4', 'delivered'),
      ('led_3', 'first', 'new', 1, 'e5', 'sent'),
      ('led_4', 'first', 'old', 1, 'e6', 'planned'),
      ('led_5', 'first', 'old', 1, 'e7', 'sent'), ('led_5', 'first', 'old', 2, 'e8', 'replied'),
      ('led_6', 'gone', 'old', 1, 'e9', 'sent'),
      ('led_7', 'first', 'older', 1, 'e10', 'sent')
    ) as events (lead_id, sequence, sequence_version, sequence_step, event_id, status)`)
  const { rows, total } = await inFlight({ on: () => connection }, [{ name: 'first', version: 'new' }])
  connection.close()
  database.close()
  expect(rows).toEqual([
    { sequence: 'first', version: 'old', version_now: 'new', leads: 2 },
    { sequence: 'first', version: 'older', version_now: 'new', leads: 1 },
  ])
  expect(total).toBe(2)
})
