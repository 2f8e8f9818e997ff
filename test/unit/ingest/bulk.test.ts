import { afterEach, describe, expect, it } from 'vitest'
import { pushdownOf } from '../../../ingest/bulk.ts'
import { icpSchema } from '../../../ingest/icp.ts'
import { type TestWorld, world } from '../../helpers/world.ts'

let w: TestWorld | undefined
afterEach(() => w?.close())

async function passes(hard: object, state: string, codes: string[]): Promise<boolean> {
  w = await world()
  await w.connection.run(`
    create schema seeds; create table seeds.cnae_industries (cnae_prefix varchar, industry varchar);
    insert into seeds.cnae_industries values ('62', 'software'), ('64', 'finance'), ('6463', 'fintech')`)
  const icp = icpSchema.parse({ version: 1, profiles: { one: { description: 'One', hard } } })
  return (await pushdownOf({ icp, connection: w.connection }, 'BR')).mayPass(state, codes)
}

describe('what place and activity can hold against a company', () => {
  it.each([
    ['the state', { countries: ['BR'], states: ['SP'] }, 'SP', ['6201501'], true],
    ['another state', { countries: ['BR'], states: ['SP'] }, 'RJ', ['6201501'], false],
    ['no state known', { countries: ['BR'], states: ['SP'] }, '', ['6201501'], true],
    ['a secondary code', { countries: ['BR'], cnae: ['62'] }, 'SP', ['4711301', '6201501'], true],
    ['no code that fits', { countries: ['BR'], cnae: ['62'] }, 'SP', ['4711301'], false],
    ['no code known', { countries: ['BR'], cnae: ['62'], industries: ['software'] }, 'SP', [], true],
    ['the industry of the principal code', { countries: ['BR'], industries: ['software'] }, 'SP', ['6201501'], true],
    [
      'another industry, whatever the secondary codes',
      { countries: ['BR'], industries: ['software'] },
      'SP',
      ['6422100', '6201501'],
      false,
    ],
    ['the longest prefix counts', { countries: ['BR'], industries: ['fintech'] }, 'SP', ['6463800'], true],
    ['a code whose industry nobody knows', { countries: ['BR'], industries: ['software'] }, 'SP', ['9999999'], true],
    ['another country', { countries: ['US'] }, 'SP', ['6201501'], false],
  ])('%s', async (_, hard, state, codes, expected) => {
    expect(await passes(hard, state, codes)).toBe(expected)
  })
})
