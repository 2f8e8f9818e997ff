import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../pipeline/warehouse/duckdb.ts'
import { loadScoring } from '../../scoring/load.ts'
import { type ServeOptions, startServer } from '../../serve/server.ts'
import { settings } from '../../serve/settings.ts'
import { readUsers } from '../../serve/users.ts'
import { pipeline, projectCopy } from './cli.ts'

/**
 * A project of 60 mock companies and what its run published: made by whoever asks first, once for all files of a test run.
 * Nobody may change it: `publication` copies what is published, and acts go to a folder of one's own.
 */
export async function publishedMock(): Promise<string> {
  const root = join(tmpdir(), 'published-mock')
  const until = Date.now() + 170_000
  while (!existsSync(join(root, 'pipeline.yaml'))) {
    try {
      mkdirSync(`${root}.making`)
    } catch {
      if (Date.now() > until) throw new Error('whoever makes the mock publication does not come to an end')
      await new Promise((next) => setTimeout(next, 200))
      continue
    }
    try {
      const made = projectCopy({}, 60)
      const { code, stderr } = await pipeline(made, ['run', '--quiet'])
      if (code !== 0) throw new Error(stderr)
      renameSync(made, root)
    } finally {
      rmSync(`${root}.making`, { recursive: true, force: true })
    }
  }
  return root
}

/** A folder as a target's `data/`, with a publication of its own, changed by SQL; `publish` makes another of it current. */
export async function publication(
  root: string,
  sql = '',
): Promise<{ data: string; publish(sql: string): Promise<void> }> {
  const data = mkdtempSync(join(tmpdir(), 'lead-engine-served-'))
  const from = join(root, 'data', '.published', 'current', '/')
  let id = 0
  async function publish(changes: string): Promise<void> {
    const folder = join(data, '.published', String(++id).padStart(6, '0'))
    cpSync(from, folder, { recursive: true, dereference: true, filter: (path) => !path.includes('exports') })
    const { generation: _, ...rest } = JSON.parse(readFileSync(join(folder, 'publication.json'), 'utf8')) as Record<
      string,
      unknown
    >
    rmSync(join(folder, 'publication.json'))
    writeFileSync(join(folder, 'publication.json'), JSON.stringify({ ...rest, id: String(id), generation: id }))
    if (changes !== '') await change(join(folder, 'warehouse.duckdb'), changes)
    const link = join(data, '.published', 'current')
    symlinkSync(String(id).padStart(6, '0'), `${link}.new`)
    renameSync(`${link}.new`, link)
  }
  mkdirSync(join(data, '.published'))
  await publish(sql)
  symlinkSync(join('.published', 'current', 'warehouse.duckdb'), join(data, 'warehouse.duckdb'))
  return { data, publish }
}

async function change(path: string, sql: string): Promise<void> {
  chmodSync(path, 0o644)
  const database = await openDatabase({ path })
  const connection = await database.connect()
  await connection.run(sql)
  await connection.run('checkpoint')
  connection.close()
  database.close()
}

export const TOKENS = Object.fromEntries(
  ['ana', 'bia', 'rui', 'ops', 'adm'].map((name) => [name, `token-of-${name}-0123456789`]),
) as Record<'ana' | 'bia' | 'rui' | 'ops' | 'adm', string>

export const USERS = [
  { name: 'ana', role: 'rep', token_env: 'ANA' },
  { name: 'bia', role: 'rep', token_env: 'BIA', sees: 'all' },
  { name: 'rui', role: 'manager', token_env: 'RUI' },
  { name: 'ops', role: 'operator', token_env: 'OPS' },
  { name: 'adm', role: 'admin', token_env: 'ADM' },
]

export interface Answer {
  status: number
  headers: Headers
  text: string
  body: Record<string, unknown> & { data: Record<string, unknown>[]; next: string | null; code: string }
}

export interface Served {
  url: string
  /** Asks over HTTP; `as`: with the token of that user; `key`: idempotency; `body`: as JSON unless it is text. */
  ask(
    path: string,
    more?: { as?: keyof typeof TOKENS; key?: string; body?: unknown; headers?: object; method?: string },
  ): Promise<Answer>
  faults: string[]
  close(): Promise<void>
}

/** The real server, listening on a free port of this machine, over what `data` has published. */
export async function serveMock(
  root: string,
  data: string,
  written: object = {},
  more: Partial<ServeOptions> = {},
): Promise<Served> {
  const env = {
    ...Object.fromEntries(Object.entries(TOKENS).map(([name, token]) => [name.toUpperCase(), token])),
    ...more.env,
  }
  const parsed = settings.parse({ port: await freePort(), ...written })
  const faults: string[] = []
  const { url, close } = await startServer({
    settings: parsed,
    users: readUsers(parsed, env, [], () => undefined),
    ...{ warehouse: join(data, 'warehouse.duckdb'), data, threads: 2, outcomes: {}, hooks: {} },
    now: () => new Date(),
    fault: (message) => void faults.push(message),
    async loadScoring() {
      const yaml = { file: 'pipeline.yaml', data: {}, lineOf: () => 1 }
      return (await loadScoring(root, { scores: ['fit', 'fit_us', 'intent'], brief: 'deal_brief' }, yaml, []))!
    },
    ...more,
    env,
  })
  return {
    ...{ url, close, faults },
    async ask(path, { as, key, body, headers = {}, method = body === undefined ? 'GET' : 'POST' } = {}) {
      const response = await fetch(`${url}${path}`, {
        method,
        redirect: 'manual',
        headers: {
          ...(as === undefined ? {} : { authorization: `Bearer ${TOKENS[as]}` }),
          ...(key === undefined ? {} : { 'idempotency-key': key }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      const json = /json/.test(response.headers.get('content-type') ?? '') && text !== ''
      return {
        status: response.status,
        headers: response.headers,
        text,
        body: (json ? JSON.parse(text) : {}) as Answer['body'],
      }
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => done(port))
    })
  })
}
