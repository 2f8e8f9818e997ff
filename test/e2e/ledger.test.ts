import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '../../pipeline/warehouse/duckdb.ts'
import { pipeline, projectCopy } from '../helpers/cli.ts'

const LONG = 120_000

async function infoOf(file: string): Promise<{ ledger_id: string; generation: number }> {
  const database = await openDatabase({ path: file, read_only: true })
  const connection = await database.connect()
  const [info] = await connection.rows<{ ledger_id: string; generation: number }>(
    'select ledger_id, generation from log.info',
  )
  connection.close()
  database.close()
  return info!
}

describe('pipeline ledger', () => {
  let root: string
  let ledger: string
  beforeAll(() => {
    root = projectCopy()
    ledger = join(root, 'data/ledger.duckdb')
  })

  it(
    'init creates it once and prints its id',
    async () => {
      const first = await pipeline(root, ['ledger', 'init'])
      expect(first.code).toBe(0)
      expect(first.stdout.trim()).toMatch(/^led-[0-9a-f-]{36}$/)
      const second = await pipeline(root, ['ledger', 'init'])
      expect(second.stdout).toBe(first.stdout)
      expect(second.stderr).toContain('was there already')
    },
    LONG,
  )

  it(
    'backup copies it whole, never over another file; restore brings it back and keeps the one before',
    async () => {
      expect((await pipeline(root, ['run', '--stage', 'discovery'])).code).toBe(0)
      const before = await infoOf(ledger)
      expect(before.generation).toBe(1)
      const backup = join(root, 'backups', 'one.duckdb')
      expect((await pipeline(root, ['ledger', 'backup', backup])).code).toBe(0)
      expect(await infoOf(backup)).toEqual(before)
      const twice = await pipeline(root, ['ledger', 'backup', backup])
      expect(twice.code).toBe(2)
      expect(twice.stderr).toContain('exists already')

      expect((await pipeline(root, ['run'])).code).toBe(0)
      const later = await infoOf(ledger)
      expect(later.generation).toBe(2)
      const refused = await pipeline(root, ['ledger', 'restore', backup])
      expect(refused.code).toBe(2)
      expect(refused.stderr).toContain('is of generation 1, older than the 2 that is there')
      expect(await infoOf(ledger)).toEqual(later)
      expect((await pipeline(root, ['ledger', 'restore', backup, '--force'])).code).toBe(0)
      expect(await infoOf(ledger)).toEqual(before)
      expect(await infoOf(`${ledger}.before-restore-2`)).toEqual(later)
      expect((await pipeline(root, ['run'])).code).toBe(0)
    },
    LONG,
  )

  it(
    'check reads all of it, and finds what is damaged',
    async () => {
      const sound = await pipeline(root, ['ledger', 'check'])
      expect(sound.code).toBe(0)
      expect(sound.stdout).toContain('sound')
      const whole = readFileSync(ledger)
      truncateSync(ledger, Math.floor(whole.length / 2))
      const cut = await pipeline(root, ['ledger', 'check'])
      expect(cut.code).not.toBe(0)
      expect(cut.stderr).not.toMatch(/^ {4}at /m)
      writeFileSync(ledger, 'no database')
      const other = await pipeline(root, ['ledger', 'check'])
      expect(other.code).toBe(2)
      expect(other.stderr).toContain('cannot be opened')
      writeFileSync(ledger, whole)
      expect((await pipeline(root, ['ledger', 'check'])).code).toBe(0)
      const none = await pipeline(root, ['ledger', 'restore', join(root, 'nothing.duckdb')])
      expect(none.code).toBe(2)
      expect(none.stderr).toContain('does not exist')
    },
    LONG,
  )

  it(
    'check notices a lake that is not what was landed',
    async () => {
      const config = readFileSync(join(root, 'pipeline.yaml'), 'utf8')
      const fixtures = join(import.meta.dirname, '../fixtures/receita')
      writeFileSync(
        join(root, 'pipeline.yaml'),
        config.replace(
          'mock: { seed: 7, companies: 40 }',
          `mock: { seed: 7, companies: 20 }\n    receita_federal: { path: ${fixtures} }`,
        ),
      )
      expect((await pipeline(root, ['run', '--stage', 'discovery'])).code).toBe(0)
      expect((await pipeline(root, ['ledger', 'check'])).code).toBe(0)
      const lake = join(root, 'data/lake/receita_federal')
      const files = readdirSync(lake, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.parquet'))
        .map((file) => join(lake, file))
      expect(files.length).toBeGreaterThan(5)
      appendFileSync(files[0]!, 'x')
      rmSync(files[1]!)
      const { code, stderr } = await pipeline(root, ['ledger', 'check'])
      expect(code).toBe(1)
      expect(stderr).toContain('has another size')
      expect(stderr).toContain('the lake lacks')
      expect(existsSync(ledger)).toBe(true)
    },
    LONG,
  )
})
