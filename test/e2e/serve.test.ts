import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { codeRoot } from '../../pipeline/code-root.ts'
import { pipeline } from '../helpers/cli.ts'
import { publication, publishedMock } from '../helpers/published-mock.ts'

let root: string
let own: Awaited<ReturnType<typeof publication>>
let server: ChildProcess | undefined

beforeAll(async () => {
  root = await publishedMock()
  own = await publication(root)
  mkdirSync(join(own.data, 'incoming'))
}, 240_000)

afterAll(() => {
  server?.kill('SIGKILL')
  rmSync(own.data, { recursive: true, force: true })
})

const words = () => [
  ...['serve', '--port', '0', '--set', `targets.dev.warehouse=${join(own.data, 'warehouse.duckdb')}`],
]

async function start(): Promise<string> {
  server = spawn(process.execPath, [join(codeRoot(), 'bin', 'pipeline.mjs'), ...words()], { cwd: root })
  return new Promise((done, fail) => {
    let said = ''
    for (const out of [server!.stdout!, server!.stderr!])
      out.on('data', (part) => {
        said += part
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0]
        if (found !== undefined) done(found)
      })
    server!.on('exit', () => fail(new Error(said)))
  })
}

it('beyond this machine without users: refused, with the line that mends it', async () => {
  const { code, stderr } = await pipeline(root, ['serve', '--host', '0.0.0.0', '--port', '0'])
  expect([code, stderr]).toEqual([2, expect.stringContaining('there are no users')])
})

it('killed in the middle of acts: each that was answered is on disk, whole, and known to the next', async () => {
  let url = await start()
  const { data } = (await (await fetch(`${url}/v1/leads?limit=50`)).json()) as { data: { lead_id: string }[] }
  const answered: string[] = []
  const acts = data.map(async ({ lead_id }, index) => {
    const response = await fetch(`${url}/v1/leads/${lead_id}/snooze`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': `snooze-${index}` },
      body: JSON.stringify({ until: '2027-01-01' }),
    })
    const { message_id } = (await response.json()) as { message_id: string }
    if (response.status === 200) answered.push(message_id)
    if (answered.length === 15) server!.kill('SIGKILL')
  })
  await Promise.allSettled(acts)
  expect(answered.length).toBeGreaterThanOrEqual(15)
  const folder = join(own.data, 'incoming')
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  const ids = files.map((name) => (JSON.parse(readFileSync(join(folder, name), 'utf8')) as { id: string }).id)
  expect(answered.filter((id) => !ids.includes(id))).toEqual([])
  url = await start()
  const pending = (await (await fetch(`${url}/v1/pending`)).json()) as { data: { message_id: string }[] }
  expect(answered.filter((id) => !pending.data.some(({ message_id }) => message_id === id))).toEqual([])
  const ended = new Promise((done) => server!.on('exit', done))
  server!.kill('SIGINT')
  expect(await ended).toBe(0)
}, 120_000)
