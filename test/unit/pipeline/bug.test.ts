import { describe, expect, it } from 'vitest'
import { bugStack } from '../../../pipeline/bug.ts'
import { ProjectError, RemoteError } from '../../../pipeline/errors.ts'
import type { Step, StepContext } from '../../../pipeline/step.ts'
import { openDatabase } from '../../../pipeline/warehouse/duckdb.ts'
import { builds } from '../../helpers/builds.ts'

const failing = (name: string, run: (context: StepContext) => Promise<never>): Step => ({
  ...{ kind: 'step', stage: 'scoring', name, file: `demo/${name}.ts`, description: '' },
  ...{ reads: [], fingerprint: name, run },
})

async function wrongPlace(): Promise<never> {
  const nothing = undefined as unknown as { rows: number }
  return nothing.rows as never
}

describe('a bug inside a step', () => {
  it('shows its stack, and what DuckDB or a service refuses does not', async () => {
    const project = builds({ 'models/a.sql': 'select no_such as b' }, [
      failing('broken', wrongPlace),
      failing('asks', async ({ connection }) => (await connection.rows('select nothing_of_the_kind')) as never),
      failing('far', async () => {
        throw new RemoteError('is closed', 'a_service')
      }),
    ])
    await project.build()
    const { status, message, stack } = project.result('broken')
    expect([status, message]).toEqual(['error', expect.stringMatching(/^demo\/broken\.ts {2}.*reading 'rows'/)])
    expect(stack?.split('\n')[0]).toMatch(/wrongPlace .*bug\.test\.ts/)
    for (const name of ['a', 'asks', 'far']) {
      expect(project.result(name).status).toBe('error')
      expect(project.result(name).stack).toBeUndefined()
    }
    expect(project.result('asks').message).toContain('"nothing_of_the_kind" was not found')
  })
})

it('knows errors that say all there is to say', async () => {
  const database = await openDatabase()
  const connection = await database.connect()
  const refused = await connection.run('selec 1').catch((error: unknown) => error)
  const inside = await connection
    .transaction(async () => {
      for await (const _ of connection.stream("select cast('x' || range as integer) from range(9)")) break
    })
    .catch((error: unknown) => error)
  database.close()
  expect([refused, inside].map((error) => (error as Error).name)).toEqual(['StatementError', 'StatementError'])
  const full = Object.assign(new Error('no space left on device, write'), { code: 'ENOSPC' })
  for (const error of [refused, inside, full, new ProjectError([])]) expect(bugStack(error)).toBeUndefined()
  expect(bugStack(new TypeError('x'))).toMatch(/^ {4}at /)
  expect(bugStack('text')).toBe('')
})
