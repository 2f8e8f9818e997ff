import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeRoot } from '../../pipeline/code-root.ts'
import { type Connection, openDatabase } from '../../pipeline/warehouse/duckdb.ts'
import { pipeline } from '../helpers/cli.ts'
import { CONFIG, projectFolder } from '../helpers/project.ts'

const LONG = 120_000

/** Three marts over a seed: small enough to be run many times. */
function smallProject(files: Record<string, string> = {}): string {
  return projectFolder({
    'seeds/numbers.csv': `n\n${Array.from({ length: 200 }, (_, index) => index).join('\n')}\n`,
    'models/staging/stg_numbers.sql': `select n from {{ ref('numbers') }}`,
    'models/marts/fct_numbers.sql': `select n, n * n as square from {{ ref('stg_numbers') }}`,
    'models/marts/fct_numbers.yml':
      'version: 2\nmodels:\n  - name: fct_numbers\n    columns:\n      - name: n\n        data_tests: [unique, not_null]\n',
    'models/marts/fct_sums.sql': `select sum(n) as total, count(*) as numbers from {{ ref('fct_numbers') }}`,
    ...files,
  })
}

async function reader(path: string, read_only = true): Promise<{ connection: Connection; close(): void }> {
  const database = await openDatabase({ path, read_only })
  const connection = await database.connect()
  return {
    connection,
    close() {
      connection.close()
      database.close()
    },
  }
}

async function total(root: string): Promise<unknown> {
  const { connection, close } = await reader(realpathSync(join(root, 'data/warehouse.duckdb')))
  const rows = await connection.rows('select total, numbers from marts.fct_sums')
  close()
  return rows[0]
}

function touch(root: string, count: number): void {
  writeFileSync(
    join(root, 'seeds/numbers.csv'),
    `n\n${Array.from({ length: count }, (_, index) => index).join('\n')}\n`,
  )
}

describe('readers and runs', () => {
  let root: string
  beforeAll(async () => {
    root = smallProject()
    expect((await pipeline(root, ['run'])).code).toBe(0)
  }, LONG)

  it(
    'a reader holding the published file open never makes a run fail, keeps what it has, and is not locked out',
    async () => {
      const held = await reader(join(root, 'data/warehouse.duckdb'))
      expect(await held.connection.rows('select total from marts.fct_sums')).toEqual([{ total: 19900 }])
      touch(root, 201)
      const { code, stderr } = await pipeline(root, ['run'])
      expect(stderr).not.toContain('failed')
      expect(code).toBe(0)
      expect(await held.connection.rows('select total from marts.fct_sums')).toEqual([{ total: 19900 }])
      held.close()
      expect(await total(root)).toEqual({ total: 20100, numbers: 201 })
    },
    LONG,
  )

  it(
    'what a reader wrote into the published file, and the .wal it left, do not change the next publication',
    async () => {
      const published = realpathSync(join(root, 'data/warehouse.duckdb'))
      chmodSync(published, 0o644)
      const writer = await reader(published, false)
      await writer.connection.run(
        `set wal_autocheckpoint = '1TB'; update marts.fct_sums set total = -1; create table marts.planted as select 1 as x`,
      )
      writeFileSync(join(root, 'data/warehouse.duckdb.wal'), readFileSync(`${published}.wal`))
      touch(root, 202)
      expect((await pipeline(root, ['run'])).code).toBe(0)
      writer.close()
      expect(existsSync(join(root, 'data/warehouse.duckdb.wal'))).toBe(false)
      expect(await total(root)).toEqual({ total: 20301, numbers: 202 })
      const { connection, close } = await reader(join(root, 'data/warehouse.duckdb'))
      expect(await connection.rows(`select * from duckdb_tables() where table_name = 'planted'`)).toEqual([])
      close()
    },
    LONG,
  )

  it(
    'keeps the last three publications and finds its links again',
    async () => {
      for (const count of [203, 204, 205]) {
        touch(root, count)
        expect((await pipeline(root, ['run'])).code).toBe(0)
      }
      expect(readdirSync(join(root, 'data/.published')).filter((name) => /^\d+$/.test(name))).toHaveLength(3)
      rmSync(join(root, 'data/warehouse.duckdb'))
      rmSync(join(root, 'data/exports'))
      expect((await pipeline(root, ['run'])).code).toBe(0)
      expect(await total(root)).toEqual({ total: 20910, numbers: 205 })
      expect(existsSync(join(root, 'data/exports/fct_sums.parquet'))).toBe(true)
    },
    LONG,
  )

  it(
    'a second run is refused at once with exit 4 and the name of the holder; a dead holder is taken over',
    async () => {
      touch(root, 206)
      const slow = `select n, n * n as square from {{ ref('stg_numbers') }} where (select count(*) from range(600000000) as r(i) where i % 7 = 3) > 0`
      writeFileSync(join(root, 'models/marts/fct_numbers.sql'), slow)
      const first = spawn(process.execPath, [join(codeRoot(), 'bin/pipeline.mjs'), 'run'], {
        cwd: root,
        stdio: 'ignore',
      })
      const gone = new Promise((resolve) => first.on('close', resolve))
      while (!existsSync(join(root, 'data/ledger.duckdb.lock'))) await new Promise((resolve) => setTimeout(resolve, 20))
      const second = await pipeline(root, ['run'])
      expect(second.code).toBe(4)
      expect(second.stderr).toContain(`held by 'pipeline run' (pid ${first.pid}`)
      expect((await pipeline(root, ['status'])).stdout).toContain(`pid ${first.pid}`)
      first.kill('SIGKILL')
      await gone
      expect(existsSync(join(root, 'data/ledger.duckdb.lock'))).toBe(true)
      expect(await total(root)).toEqual({ total: 20910, numbers: 205 })
      writeFileSync(
        join(root, 'models/marts/fct_numbers.sql'),
        `select n, n * n as square from {{ ref('stg_numbers') }}`,
      )
      expect((await pipeline(root, ['run'])).code).toBe(0)
      expect(await total(root)).toEqual({ total: 21115, numbers: 206 })
    },
    LONG,
  )

  it(
    '--wait queues for the ledger',
    async () => {
      const lock = join(root, 'data/ledger.duckdb.lock')
      writeFileSync(
        lock,
        JSON.stringify({
          pid: process.pid,
          started: null,
          host: (await import('node:os')).hostname(),
          command: 'a test',
          since: '2026-01-01T00:00:00Z',
        }),
      )
      const waiting = pipeline(root, ['run', '--wait', '30s'])
      await new Promise((resolve) => setTimeout(resolve, 1500))
      rmSync(lock)
      const { code, stderr } = await waiting
      expect(code).toBe(0)
      expect(stderr).toContain("waiting: the ledger is held by 'a test'")
    },
    LONG,
  )

  it(
    'Ctrl-C ends with 130 and a state from which the next run goes on',
    async () => {
      touch(root, 207)
      writeFileSync(
        join(root, 'models/marts/fct_numbers.sql'),
        `select n, n * n as square from {{ ref('stg_numbers') }} where (select count(*) from range(9000000000) as r(i) where i % 7 = 3) > 0`,
      )
      const { code } = await pipeline(root, ['run'], {
        onStart: (child) => setTimeout(() => child.kill('SIGINT'), 2500),
      })
      expect(code).toBe(130)
      expect(existsSync(join(root, 'data/ledger.duckdb.lock'))).toBe(false)
      expect(await total(root)).toEqual({ total: 21115, numbers: 206 })
    },
    LONG,
  )
})

describe('kill -9 at any point', () => {
  it(
    'leaves the published files readable and whole, and the next run finishes the work',
    async () => {
      const root = smallProject()
      expect((await pipeline(root, ['run'])).code).toBe(0)
      let count = 200
      for (let round = 0; round < 12; round++) {
        touch(root, ++count)
        await pipeline(root, ['run'], { onStart: (child) => setTimeout(() => child.kill('SIGKILL'), 150 + round * 60) })
        const { total: sum, numbers } = (await total(root)) as { total: number; numbers: number }
        expect(sum).toBe((numbers * (numbers - 1)) / 2)
      }
      expect((await pipeline(root, ['run'])).code).toBe(0)
      expect(await total(root)).toEqual({ total: (count * (count - 1)) / 2, numbers: count })
      expect(readdirSync(join(root, 'data/.published')).filter((name) => name.startsWith('.new-'))).toEqual([])
    },
    LONG,
  )
})

describe('bad input', () => {
  const cases: {
    name: string
    files: Record<string, string>
    args?: string[]
    code: number
    says: (string | RegExp)[]
  }[] = [
    {
      name: 'malformed YAML',
      files: { 'models/marts/fct_sums.yml': 'version: 2\nmodels: [' },
      code: 2,
      says: [/models\/marts\/fct_sums\.yml:\d+ {2}is not valid YAML/],
    },
    {
      name: 'an unknown key',
      files: { 'pipeline.yaml': `${CONFIG}tragets: 1\n` },
      code: 2,
      says: ["pipeline.yaml:8  unknown key 'tragets'", 'Did you mean targets?'],
    },
    {
      name: 'a missing ref',
      files: { 'models/marts/fct_sums.sql': `select *\nfrom {{ ref('fct_number') }}` },
      code: 2,
      says: ["models/marts/fct_sums.sql:2  ref('fct_number') names no model", 'Did you mean fct_numbers?'],
    },
    {
      name: 'a cycle',
      files: { 'models/marts/fct_numbers.sql': `select * from {{ ref('fct_sums') }}` },
      code: 2,
      says: ['is part of a cycle: '],
    },
    {
      name: 'SQL that does not parse',
      files: { 'models/marts/fct_sums.sql': 'select\n    1 as total,\n    selec 2\n' },
      code: 2,
      says: ['models/marts/fct_sums.sql:3', 'syntax error'],
    },
    {
      name: 'a column that does not exist',
      files: {
        'models/marts/fct_sums.sql': `select\n    sum(n) as total,\n    count(m) as numbers\nfrom {{ ref('fct_numbers') }}`,
      },
      code: 1,
      says: ['models/marts/fct_sums.sql:3', 'Referenced column "m" not found'],
    },
    {
      name: 'a seed with a broken row',
      files: { 'seeds/numbers.csv': 'n,m\n1,2\n3\n4,5,6\n' },
      code: 1,
      says: [/seeds\/numbers\.csv:\d/, 'the first line names 2 columns, and this one has 1'],
    },
    {
      name: 'a missing variable',
      files: { 'pipeline.yaml': CONFIG.replace('data/exports', '"$' + '{NO_SUCH_VARIABLE}"') },
      code: 2,
      says: ['pipeline.yaml:4', 'NO_SUCH_VARIABLE'],
    },
    { name: 'an unknown target', files: {}, args: ['-t', 'prd'], code: 2, says: ["target 'prd' is not defined"] },
    {
      name: 'a selection of nothing',
      files: {},
      args: ['-s', 'fct_sum'],
      code: 2,
      says: ["'fct_sum' selects nothing", 'Did you mean fct_sums?'],
    },
    {
      name: 'an unknown flag',
      files: {},
      args: ['--full-refesh'],
      code: 2,
      says: ['unknown option', '--full-refresh'],
    },
    { name: 'a date that is none', files: {}, args: ['--as-of', '2026-02-31'], code: 2, says: ['not in the calendar'] },
    { name: 'a date to come', files: {}, args: ['--as-of', '2999-01-01'], code: 2, says: ['is in the future'] },
  ]

  it.each(cases)(
    '$name',
    async ({ files, args = [], code, says }) => {
      const root = smallProject(files)
      const result = await pipeline(root, ['run', ...args])
      for (const text of says)
        expect(result.stderr).toMatch(
          typeof text === 'string' ? new RegExp(text.replaceAll(/[.*+?^$()|[\]{}\\]/g, '\\$&')) : text,
        )
      expect(result.stderr).not.toMatch(/^ {4}at /m)
      expect(result.code).toBe(code)
      expect(existsSync(join(root, 'data/warehouse.duckdb'))).toBe(false)
    },
    LONG,
  )
})

/** A file system of 24 MB; false where this machine mounts none. */
function mountSmall(folder: string): boolean {
  mkdirSync(folder, { recursive: true })
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]).status === 0
}

describe('a full disk', () => {
  const mount = join(tmpdir(), `lead-engine-full-disk-${process.pid}`)
  const mounted = process.getuid?.() === 0 && process.platform === 'linux' && mountSmall(mount)
  afterAll(() => {
    if (mounted) spawnSync('umount', [mount])
  })

  it.skipIf(!mounted)(
    'one clear error, the last publication stands, and nothing is lost (needs Linux, root and the right to mount a tmpfs)',
    async () => {
      const root = smallProject({ 'pipeline.yaml': CONFIG.replaceAll('data/', `${mount}/data/`) })
      expect((await pipeline(root, ['run'])).code).toBe(0)
      const published = realpathSync(join(mount, 'data/warehouse.duckdb'))
      const before = readFileSync(published)
      writeFileSync(
        join(root, 'models/marts/fct_big.sql'),
        'select i, hash(i)::varchar || hash(i + 1)::varchar || hash(i + 2)::varchar as text from range(3000000) as r(i)',
      )
      const full = await pipeline(root, ['run'])
      expect(full.code).toBe(1)
      expect(full.stderr).toMatch(/No space left|no space|out of disk/i)
      expect(realpathSync(join(mount, 'data/warehouse.duckdb'))).toBe(published)
      expect(readFileSync(published).equals(before)).toBe(true)
      rmSync(join(root, 'models/marts/fct_big.sql'))
      touch(root, 300)
      const after = await pipeline(root, ['run'])
      expect(after.stderr).not.toContain('failed')
      expect(after.code).toBe(0)
    },
    LONG,
  )
})
