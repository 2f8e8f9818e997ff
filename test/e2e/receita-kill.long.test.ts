import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { openDatabase } from '../../pipeline/warehouse/duckdb.ts'
import { pipeline, projectCopy } from '../helpers/cli.ts'
import { generateReceita } from '../helpers/receita-generator.ts'

const COMPANIES = 400

/** The one folder in which the set lands, when it is there. */
function landingOf(root: string): string | undefined {
  const home = join(root, 'data/tmp/bulk-receita_federal')
  const [name] = existsSync(home) ? readdirSync(home) : []
  return name === undefined ? undefined : join(home, name)
}

it('a load that is killed (-9) goes on behind what was finished, and lands the same', async () => {
  const root = projectCopy()
  const config = readFileSync(join(root, 'pipeline.yaml'), 'utf8')
  const source = 'receita_federal: { path: data/receita }'
  writeFileSync(
    join(root, 'pipeline.yaml'),
    config
      .replace('mock: { seed: 7, companies: 40 }', source)
      .replace('providers: { mock: {} }', 'providers: {}')
      .replace(/waterfall: \{.*\}/, 'waterfall: {}'),
  )
  mkdirSync(join(root, 'data/receita'), { recursive: true })
  await generateReceita({ folder: join(root, 'data/receita'), companies: COMPANIES, parts: 3 })
  const load = ['run', '--stage', 'discovery', '--as-of', '2026-11-20']

  const kept = new Map<string, number>()
  const killed = await pipeline(root, load, {
    onStart: async (child) => {
      const noted = () => existsSync(join(landingOf(root) ?? '', 'estabelecimentos-00.json'))
      while (child.exitCode === null && !noted()) await sleep(1)
      child.kill('SIGKILL')
    },
  })
  expect(killed, killed.stderr).toMatchObject({ signal: 'SIGKILL' })
  const folder = landingOf(root)!
  for (const note of readdirSync(folder).filter((name) => /^[a-z]+-\d\d\.json$/.test(name))) {
    for (const part of (JSON.parse(readFileSync(join(folder, note), 'utf8')) as { parts: string[] }).parts) {
      kept.set(part, statSync(join(folder, part)).ino)
    }
  }
  expect([...kept.keys()]).toContain('estabelecimentos-00-0000.parquet')

  const { code, stderr } = await pipeline(root, load)
  expect(stderr).not.toContain('failed')
  expect(code).toBe(0)
  const lake = join(root, 'data/lake/receita_federal')
  const landed = readdirSync(lake, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => join(lake, name))
  const inodes = new Set(landed.map((file) => statSync(file).ino))
  for (const [part, inode] of kept) expect(inodes, `${part} was read again`).toContain(inode)

  const database = await openDatabase({ path: realpathSync(join(root, 'data/ledger.duckdb')), read_only: true })
  const connection = await database.connect()
  const [counted] = await connection.rows<{ rows: number }>(
    `select sum(row_count)::integer as rows from log.lake where table_name = 'empresas'`,
  )
  connection.close()
  database.close()
  const [inFiles] = await inMemory(`select count(*)::integer as rows, count(distinct cnpj_basico)::integer as companies
    from read_parquet([${landed.filter((file) => file.includes('/empresas/')).map((file) => `'${file}'`)}])`)
  expect(inFiles).toEqual({ rows: counted!.rows, companies: counted!.rows })
  expect(counted!.rows).toBeGreaterThan(COMPANIES / 100)
  rmSync(root, { recursive: true })
}, 120_000)

async function inMemory(sql: string): Promise<object[]> {
  const database = await openDatabase({})
  const connection = await database.connect()
  const rows = await connection.rows<object>(sql)
  connection.close()
  database.close()
  return rows
}
