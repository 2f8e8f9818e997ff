import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '../../pipeline/warehouse/duckdb.ts'
import { acquireLock } from '../../pipeline/warehouse/lock.ts'
import { pipeline, projectCopy } from '../helpers/cli.ts'

const LONG = 120_000

interface Section {
  text: string
  silent?: string
  figures: Record<string, number>
  tables: { name: string; rows: Record<string, unknown>[] }[]
  findings: { file: string; line: number; message: string }[]
}
interface Planned {
  inner: { name: string; reason: string }[]
  sections: Record<string, Section>
}

async function plan(root: string, ...words: string[]): Promise<Planned> {
  const { code, stdout, stderr } = await pipeline(root, ['plan', '--output', 'json', ...words])
  expect(stderr).not.toContain('problem')
  expect(code).toBe(0)
  return JSON.parse(stdout) as Planned
}

/** Everything below `data/`, by content. */
function contentOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name)
      const content = entry.isSymbolicLink()
        ? readlinkSync(path)
        : createHash('md5').update(readFileSync(path)).digest('hex')
      return `${path} ${content} ${entry.isSymbolicLink() ? '' : statSync(path).mtimeMs}`
    })
    .sort()
}

describe('pipeline plan', () => {
  const root = projectCopy()
  beforeAll(async () => {
    const fresh = await plan(root)
    expect(fresh.sections.market!.silent).toContain('nothing has been built yet')
    expect(fresh.inner.find(({ name }) => name === 'dim_companies')!.reason).toBe('new')
    expect((await pipeline(root, ['run', '--as-of', '2026-11-20'])).code).toBe(0)
  }, LONG)

  it(
    'says what a run has just done, and leaves every byte as it was',
    async () => {
      const before = contentOf(join(root, 'data'))
      const { sections, inner } = await plan(root, '--as-of', '2026-11-20')
      expect(contentOf(join(root, 'data'))).toEqual(before)
      expect(inner.find(({ name }) => name === 'industries')!.reason).toBe('unchanged')
      const database = await openDatabase({ path: join(root, 'data/warehouse.duckdb'), read_only: true })
      const connection = await database.connect()
      const one = async (sql: string) =>
        (await connection.rows<{ n: number }>(`select count(*) as n from ${sql}`))[0]!.n
      const { messages, crm_fields, market } = sections
      expect(messages!.figures.planned).toBe(await one(`marts.fct_outreach_events where status = 'planned'`))
      expect(messages!.figures.planned).toBeGreaterThan(0)
      expect(messages!.figures.new).toBe(0)
      expect(crm_fields!.figures.create).toBe(
        await one(`marts.fct_crm_syncs where status = 'planned' and operation = 'create'`),
      )
      expect(market!.figures.known_to_fit).toBe(await one('marts.dim_companies where is_icp_match'))
      const fields = crm_fields!.tables.find(({ name }) => name === 'fields')!.rows
      expect(fields).toContainEqual(expect.objectContaining({ crm: 'file', object: 'companies', field: 'name' }))
      connection.close()
      database.close()
    },
    LONG,
  )

  it(
    'counts the market by the ICP as it is written now, and names rules that do nothing, with their lines',
    async () => {
      const icp = readFileSync(join(root, 'ingest/icp.yaml'), 'utf8')
      const profile = `  nobody:
    description: Nobody
    hard:
      countries: [BR]
      states: [AC]
      employees: { min: 900000 }
`
      writeFileSync(join(root, 'ingest/icp.yaml'), icp.replace('exclude:', `${profile}\nexclude:`))
      const { sections, inner } = await plan(root, '--as-of', '2026-11-20')
      writeFileSync(join(root, 'ingest/icp.yaml'), icp)
      const line = icp.split('\n').findIndex((text) => text.startsWith('exclude:')) + 6
      expect(sections.icp_rules!.findings).toContainEqual(
        expect.objectContaining({
          file: 'ingest/icp.yaml',
          line,
          message: expect.stringMatching(
            /^profiles\.nobody\.hard\.employees: matches nothing: no company of \d+ is known/,
          ),
        }),
      )
      const profiles = sections.market!.tables.find(({ name }) => name === 'by profile')!.rows
      expect(profiles).toContainEqual(expect.objectContaining({ profile: 'nobody', fit: 0 }))
      expect(inner.find(({ name }) => name === 'icp_matches')!.reason).toBe('settings changed')
    },
    LONG,
  )

  it(
    'is for people, too, and for a pull request; it does not wait for who holds the ledger',
    async () => {
      const lock = acquireLock(join(root, 'data/ledger.duckdb'), 'a test', new Date())
      const text = await pipeline(root, ['plan', '--limit', '2'])
      const markdown = await pipeline(root, ['plan', '--output', 'markdown'])
      lock.release()
      expect(text.code).toBe(0)
      expect(text.stdout).toMatch(/messages to send\n-+\n\d+ wait for approval/)
      expect(text.stdout).toContain('more (--limit -1 shows all)')
      expect(markdown.stdout).toContain('### CRM fields to write')
      expect(markdown.stdout).toContain('| crm | object | field |')
    },
    LONG,
  )
})
