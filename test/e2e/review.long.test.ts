import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { openDatabase } from '../../pipeline/warehouse/duckdb.ts'
import { pipeline, projectCopy } from '../helpers/cli.ts'

let root: string
beforeAll(() => {
  root = projectCopy()
})

async function idsOf(sql: string): Promise<string[]> {
  const database = await openDatabase({ path: join(root, 'data/warehouse.duckdb'), read_only: true })
  const connection = await database.connect()
  try {
    return (await connection.rows<{ id: string }>(sql)).map(({ id }) => id)
  } finally {
    connection.close()
    database.close()
  }
}

async function command(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await pipeline(root, words)
  expect([code, stderr.slice(-600)]).toEqual([0, expect.anything()])
  return stdout
}
const run = (...words: string[]) => command('run', ...words)

it('what people decide joins and parts companies and people under the older id, and survives runs and --full-refresh', async () => {
  await run()
  const [a, b] = await idsOf(
    'select company_id as id from marts.dim_companies where cnpj is null order by company_id limit 2',
  )
  const [x, y] = await idsOf('select contact_id as id from marts.dim_contacts order by contact_id limit 2')
  const companies = () =>
    idsOf(`select company_id as id from marts.dim_companies where company_id in ('${a}', '${b}') order by id`)
  const people = () =>
    idsOf(`select contact_id as id from marts.dim_contacts where contact_id in ('${x}', '${y}') order by id`)

  // a file that is wrong is refused whole, with its line
  const wrong = join(root, 'wrong.jsonl')
  writeFileSync(
    wrong,
    `{"left":"${a}","right":"${b}","decision":"same"}\n{"left":"${a}","right":"${b}","decision":"perhaps"}\n`,
  )
  const refused = await pipeline(root, ['review', 'import', wrong])
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('wrong.jsonl:2')])
  const mixed = await pipeline(root, ['review', 'merge', a!, x!])
  expect([mixed.code, mixed.stderr]).toEqual([2, expect.stringContaining('are a company and a person')])

  const file = join(root, 'decisions.jsonl')
  writeFileSync(file, `{"left":"${b}","right":"${a}","decision":"same"}\n`)
  await command('review', 'import', file, '--by', 'sales')
  await command('review', 'merge', x!, y!)
  await run()
  expect([(await companies()).length, (await people()).length]).toEqual([1, 1])
  const kept = [await companies(), await people()]
  await run('--full-refresh')
  expect([await companies(), await people()]).toEqual(kept)

  // the latest decision wins: apart again, each under the id it had
  await command('review', 'split', a!, b!)
  await command('review', 'split', y!, x!)
  await run()
  expect([await companies(), await people()]).toEqual([
    [a, b],
    [x, y],
  ])
}, 300_000)
