import { afterEach, expect, it } from 'vitest'
import { RemoteError } from '../../../../pipeline/errors.ts'
import { type FaultServer, faultServer } from '../../../helpers/fault-server.ts'
import { httpWorld, RICH } from '../../../helpers/http-world.ts'

let server: FaultServer | undefined
afterEach(() => server?.close())

it('a paid call that broke off after it was sent is not repeated, and counts as spent', async () => {
  server = await faultServer((response) => response.destroy())
  const { http, calls, answers } = await httpWorld({ live: new Set(['spend']), budget: RICH })
  const sent = http({ service: 'acme', base_url: server.base_url, usd_per_credit: 2 }).send({ path: '/x', credits: 1 })
  await expect(sent).rejects.toThrow(/it may have been charged, so it is not repeated/)
  expect(server.seen).toHaveLength(1)
  expect(await calls()).toEqual([expect.objectContaining({ status: null, credits: '1.0000', usd: '2.000000' })])
  expect(await answers()).toEqual([])
})

it('a paid call that never left is repeated, and costs nothing', async () => {
  server = await faultServer(() => {})
  await server.close()
  const { http, calls, waits } = await httpWorld({ live: new Set(['spend']), budget: RICH })
  const options = { service: 'acme', base_url: server.base_url, usd_per_credit: 2, limits: { retries: 2 } }
  await expect(http(options).send({ path: '/x', credits: 1 })).rejects.toBeInstanceOf(RemoteError)
  expect(waits).toHaveLength(2)
  expect(await calls()).toEqual([])
})
