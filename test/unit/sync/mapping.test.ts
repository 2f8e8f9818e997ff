import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Problem } from '../../../pipeline/errors.ts'
import { parseYaml } from '../../../pipeline/yaml.ts'
import file from '../../../sync/crms/file.ts'
import { readMappings } from '../../../sync/mapping.ts'
import { checkMappings } from '../../../sync/mapping-check.ts'
import { settings, steps } from '../../../sync/run.ts'
import { fillMarts } from '../../helpers/marts.ts'
import { type TestWorld, world } from '../../helpers/world.ts'

let made: TestWorld | undefined
afterEach(() => made?.close())

function read(files: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), 'sync-'))
  mkdirSync(join(root, 'sync/mappings/file'), { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, 'sync/mappings/file', name), text)
  const problems: Problem[] = []
  return { root, problems, mappings: readMappings(root, { name: 'file', crm: 'file' }, file, problems) }
}

const GOOD = `description: Companies.
from: dim_companies
key: company_id
where: country = 'US' -- a comment
fields:
  name: { to: name, write: always }
`

test('good mappings come parents first', () => {
  const { problems, mappings } = read({ 'deals.yml': GOOD, 'companies.yml': GOOD })
  expect(problems).toEqual([])
  expect(mappings.map(({ object }) => object)).toEqual(['companies', 'deals'])
})

test('every problem of the files is told with its line', () => {
  const { problems } = read({
    'companies.yml': `${GOOD}  city: { to: name, write: always }\n  state: { to: id, write: sometimes }\n`,
    'contacts.yml': `${GOOD}  city: { to: name, write: always }\n  state: { to: id, write: always }\n`,
    'dealz.yml': GOOD,
    'deals.yml': 'description: x\nfrom: fct_scored_leads\nkee: lead_id\nfields: {}\n',
  })
  const told = problems.map(({ file, line, hint }) => [file.slice('sync/mappings/file/'.length), line, hint])
  expect(told).toEqual(
    expect.arrayContaining([
      ['companies.yml', 8, undefined],
      ['contacts.yml', 7, 'Remove one of the two.'],
      ['contacts.yml', 8, 'JSON files sets it itself. Choose another name.'],
      ['deals.yml', 3, 'Did you mean key?'],
      ['dealz.yml', undefined, 'Did you mean deals?'],
    ]),
  )
})

test('a mapping that does not fit its mart is told before anything is written', async () => {
  made = await world()
  await fillMarts(made, [])
  const { mappings } = read({
    'companies.yml': GOOD.replace('name: {', 'nam: {').replace("country = 'US'", 'contry'),
    'contacts.yml': GOOD.replace('dim_companies', 'dim_people'),
    'deals.yml': GOOD.replace("country = 'US' -- a comment", 'employee_count').replace('company_id', 'companyid'),
  })
  await expect(checkMappings(made.connection, mappings)).rejects.toMatchObject({
    problems: [
      { file: 'sync/mappings/file/companies.yml', line: 6, hint: 'Did you mean name?' },
      { file: 'sync/mappings/file/companies.yml', line: 4, message: expect.stringContaining('contry') as string },
      { file: 'sync/mappings/file/contacts.yml', line: 2, message: "there is no mart 'dim_people'" },
      { file: 'sync/mappings/file/deals.yml', line: 3, hint: 'Did you mean company_id?' },
      { file: 'sync/mappings/file/deals.yml', line: 4, message: 'where is INTEGER, not BOOLEAN' },
    ],
  })
  await checkMappings(made.connection, read({ 'companies.yml': GOOD }).mappings)
})

test('what is wrong in pipeline.yaml is told with its line', async () => {
  const { root, problems } = read({ 'companies.yml': GOOD })
  const config = parseYaml('pipeline.yaml', 'sync:\n  crms:\n    file: { pth: x }\n    hubspott: {}\n', problems)!
  const parsed = settings.parse((config.data as { sync: unknown }).sync)
  const output = await steps({ root, settings: parsed, config, problems })
  expect(problems).toMatchObject([
    { file: 'pipeline.yaml', line: 3, hint: 'Did you mean path?' },
    { file: 'pipeline.yaml', line: 4, message: "there is no CRM 'hubspott'" },
  ])
  expect(output.tables.length).toBeGreaterThan(2)
  expect(settings.parse(undefined)).toMatchObject({ crms: {} })
})
