import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pipeline, projectCopy } from '../helpers/cli.ts'
import { ROOT } from '../helpers/source-tree.ts'

const modelText = (path: string) => readFileSync(join(ROOT, 'models', path), 'utf8')

/** The project's SQL with one column of one model under another name, in SQL and in YAML. */
function renamed(): string {
  const sql = modelText('intermediate/int_company_records.sql')
  const yml = modelText('intermediate/int_company_records.yml')
  const last = /select \*\s+from (\w+)\s*$/.exec(sql)
  return projectCopy({
    'models/intermediate/int_company_records.sql': sql.replace(
      last![0],
      `select * rename (host as site_host) from ${last![1]}`,
    ),
    'models/intermediate/int_company_records.yml': yml.replace('- name: host\n', '- name: site_host\n'),
  })
}

describe('pipeline check', () => {
  it('finds the step that reads a column which SQL has renamed, at its line', async () => {
    const { code, stderr } = await pipeline(renamed(), ['check'])
    const line =
      readFileSync(join(ROOT, 'ingest/domains.ts'), 'utf8')
        .split('\n')
        .findIndex((each) => each.includes(".select('host')")) + 1
    expect(stderr).toContain(
      `ingest/domains.ts:${line}  TS2769: reads 'host', which intermediate.int_company_records does not have`,
    )
    expect(code).toBe(2)
  })

  it('needs neither ledger nor data, and leaves nothing of either', async () => {
    const root = projectCopy()
    const { code, stdout, stderr } = await pipeline(root, ['check', '--no-types', '--output', 'json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('no problem') })
    expect(JSON.parse(stdout)).toMatchObject({ problems: [], skipped: [] })
    expect(() => readFileSync(join(root, 'data', 'ledger.duckdb'))).toThrow('ENOENT')
  })

  it('holds cards, audiences and mappings against the marts, each at its own line', async () => {
    const edited = (file: string, from: string, to: string) => {
      const text = readFileSync(join(ROOT, file), 'utf8')
      const line = text.slice(0, text.indexOf(from)).split('\n').length
      expect(text).toContain(from)
      return { text: text.replace(from, to), line }
    }
    const mapping = edited('sync/mappings/file/companies.yml', '  domain:', '  domian:')
    const sql = modelText('intermediate/int_lead_facts.sql')
    const facts = sql.replace(/select \*\s+from (\w+)\s*$/, 'select * exclude (latest_news_title) from $1')
    const yml = modelText('intermediate/int_lead_facts.yml')
    const root = projectCopy({
      'sync/mappings/file/companies.yml': mapping.text,
      'models/intermediate/int_lead_facts.sql': facts,
      'models/intermediate/int_lead_facts.yml': yml,
    })
    const { code, stderr } = await pipeline(root, ['check', '--no-types'])
    expect(stderr).toContain(`sync/mappings/file/companies.yml:${mapping.line}  dim_companies has no column 'domian'`)
    expect(stderr).toMatch(/scoring\/\S+\.yml:\d+ .*int_lead_facts has no column 'latest_news_title'/)
    expect(code).toBe(2)
  })
})
