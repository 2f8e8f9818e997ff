import { expect, test } from 'vitest'
import { ProjectError } from '../../../pipeline/errors.ts'
import type { LedgerTable, Step } from '../../../pipeline/step.ts'
import { builds } from '../../helpers/builds.ts'
import { load, projectFolder } from '../../helpers/project.ts'

const FINDS: LedgerTable = {
  ...{ source: 'mine', table: 'finds', description: 'What was dug up.', write: 'append', key: ['round'] },
  columns: { round: 'INTEGER', grams: 'INTEGER' },
}
const WEIGHINGS: LedgerTable = {
  ...{ source: 'mine', table: 'weighings', description: 'What was weighed.', write: 'append', key: ['grams'] },
  columns: { grams: 'BIGINT' },
}
const SCALE = { schema: 'mine', name: 'scale', description: 'The weight.', columns: { grams: 'BIGINT' }, key: [] }

const FILES = {
  'seeds/prices.csv': 'usd_per_gram\n60\n',
  'models/staging/stg_prices.sql': `select usd_per_gram * 1 as usd_per_gram from {{ ref('prices') }}`,
  'models/staging/stg_finds.sql': `select * from {{ source('mine', 'finds') }}`,
  'models/marts/worth.sql': `
    select scale.grams * prices.usd_per_gram as usd, (select count(*) from {{ ref('stg_finds') }}) as finds
    from {{ ref('scale') }} as scale, {{ ref('stg_prices') }} as prices`,
}

/** Digs three grams a round, until what it has is worth enough. */
function mine(enough = 500) {
  const told: { usd: number; finds: number }[] = []
  let weighed = 0
  const dig: Step = {
    ...{ name: 'dig', kind: 'step', stage: 'digging', file: 'dig.ts', description: 'Digs.' },
    ...{ reads: [], records: [FINDS], asks: ['worth'], fingerprint: 'dig' },
    async run({ record, ask, connection }) {
      for (let round = 1; round <= 9; round++) {
        await record(FINDS, [[{ round, grams: 3 }]])
        const [relation] = await ask('worth')
        const [worth] = await connection.rows<{ usd: number; finds: number }>(`select * from ${relation}`)
        told.push(worth!)
        if (worth!.usd >= enough) break
      }
      return { rows: told.length, text: `${told.length} rounds` }
    },
  }
  const weigh: Step = {
    ...{ name: 'weigh', kind: 'step', stage: 'digging', file: 'weigh.ts', description: 'Weighs.' },
    ...{ reads: ['stg_finds'], builds: [SCALE], records: [WEIGHINGS], fingerprint: 'weigh' },
    async run({ build, record, connection }) {
      weighed++
      const rows = await build(SCALE, 'select coalesce(sum(grams), 0) as grams from staging.stg_finds')
      await record(WEIGHINGS, [await connection.rows('select grams from mine.scale')])
      return { rows, text: 'weighed' }
    },
  }
  return { steps: [dig, weigh], told, weighed: () => weighed }
}

test('a step asks, round by round, what its own records make of a table that is built after it', async () => {
  const { steps, told, weighed } = mine()
  const project = builds(FILES, steps)
  const first = await project.build()
  expect(first.exit_code).toBe(0)
  expect(told).toEqual([
    { usd: 180, finds: 1 },
    { usd: 360, finds: 2 },
    { usd: 540, finds: 3 },
  ])
  // Three times on the side, once for good: only that once is recorded, and only it is in the warehouse.
  expect(weighed()).toBe(4)
  expect(await project.rows('select grams from _ledger.raw.mine__weighings')).toEqual([{ grams: 9 }])
  expect(await project.rows('select usd from marts.worth')).toEqual([{ usd: 540 }])
  expect(first.results.findIndex(({ node }) => node.name === 'stg_prices')).toBeLessThan(
    first.results.findIndex(({ node }) => node.name === 'dig'),
  )

  await project.build()
  expect(project.result('dig').status).toBe('reused')
})

test('it runs again when what lies between says something else, or what that reads does', async () => {
  const { steps, told } = mine()
  const project = builds(FILES, steps)
  await project.build()
  project.write({ 'models/marts/worth.sql': `${FILES['models/marts/worth.sql']} where usd_per_gram > 0` })
  await project.build()
  expect(project.result('dig').status).toBe('success')
  project.write({ 'seeds/prices.csv': 'usd_per_gram\n10\n' })
  await project.build()
  expect(project.result('dig').status).toBe('success')
  expect(told.at(-1)).toEqual({ usd: 270, finds: 9 })
})

test('what it asks for must exist, and be decided by SQL alone', async () => {
  const { steps } = mine()
  const [dig, weigh] = steps as [Step, Step]
  const problems = async (...given: Step[]) => {
    const error = await load(projectFolder(FILES), { steps: given }).catch((thrown: unknown) => thrown)
    return error instanceof ProjectError ? error.problems.map(({ message }) => message) : []
  }
  expect(await problems(dig, weigh)).toEqual([])
  expect(await problems({ ...dig, asks: ['wort'] }, weigh)).toEqual([
    "step 'dig' asks for 'wort', which does not exist",
  ])
  expect(await problems(dig, { ...weigh, kind: 'resource' })).toEqual([
    "step 'dig' asks for 'worth', and 'weigh', which asks the world, lies between",
  ])
})

test('nothing is asked that was not declared', async () => {
  const { steps } = mine()
  const [dig, weigh] = steps as [Step, Step]
  const run: Step['run'] = async ({ ask }) => ({ rows: 0, text: (await ask('stg_finds')).join() })
  const project = builds(FILES, [{ ...dig, run }, weigh])
  await project.build()
  expect(project.result('dig').message).toContain('does not declare that it asks for stg_finds')
})
