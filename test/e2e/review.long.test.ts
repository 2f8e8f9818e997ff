import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openDatabase } from '../../pipeline/warehouse/duckdb.ts'
import { pipeline, projectCopy } from '../helpers/cli.ts'

let root: string

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
  root = projectCopy()
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

it('what waits is answered by its id or one by one, and the next run acts on it', async () => {
  root = projectCopy({ 'ingest/matching.yaml': 'match: 0.999999\n' })
  await run()
  const waiting = async () => {
    const items: { item_id: string; options: string[] }[] = JSON.parse(
      await command('review', '--kind', 'match', '--output', 'json'),
    )
    return items.map(({ item_id, options }) => {
      expect(options).toEqual(['same', 'different'])
      return item_id
    })
  }
  const [first, second, ...rest] = await waiting()
  expect([first?.split('~').length, second?.split('~').length, rest]).toEqual([2, 2, []])

  // what is no answer, or no item, decides nothing
  const perhaps = await pipeline(root, ['review', 'decide', first!, 'perhaps'])
  expect([perhaps.code, perhaps.stderr]).toEqual([2, expect.stringContaining('Answers: same, different.')])
  const nobody = await pipeline(root, ['review', 'decide', 'cmp_0~cmp_1', 'same'])
  expect([nobody.code, nobody.stderr]).toEqual([2, expect.stringContaining("nothing waits under 'cmp_0~cmp_1'")])
  expect(await waiting()).toEqual([first, second])

  // answered is off the list at once; the first letters are enough, and an empty line leaves it for later
  await command('review', 'decide', first!, 'same', '--by', 'sales', '--note', 'same phone')
  expect(await waiting()).toEqual([second])
  const asked = async (input: string) => {
    const { code, stdout, stderr } = await pipeline(root, ['review', '--ask'], { input })
    expect([code, stderr]).toEqual([0, expect.anything()])
    return stdout + stderr
  }
  expect(await asked('maybe\n')).toContain("'maybe' is none of them: left for later")
  for (const later of ['\n', 'q\n', '']) expect(await asked(later)).toContain('0 decided')
  expect(await waiting()).toEqual([second])
  const told = await asked('d\n')
  expect(told).toContain('same / different (empty: later, q: enough)')
  expect(told).toContain('1 decided')
  expect(await waiting()).toEqual([])

  await run()
  const companiesOf = (item: string) => {
    const ids = item.split('~').map((id) => `'${id}'`)
    return idsOf(`select company_id as id from marts.dim_companies where company_id in (${ids.join(', ')})`)
  }
  expect([(await companiesOf(first!)).length, (await companiesOf(second!)).length]).toEqual([1, 2])
  expect(await waiting()).toEqual([])
}, 300_000)
