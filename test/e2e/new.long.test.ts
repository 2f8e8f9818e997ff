import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { projectFiles, ROOT } from '../helpers/source-tree.ts'

const run = promisify(execFile)
const copy = mkdtempSync(join(tmpdir(), 'lead-engine-new-'))

/** A throw-away copy of the repository: what `new` writes is code, too. */
beforeAll(() => {
  for (const path of projectFiles()) {
    mkdirSync(dirname(join(copy, path)), { recursive: true })
    cpSync(join(ROOT, path), join(copy, path))
  }
  mkdirSync(join(copy, 'node_modules'))
  for (const name of readdirSync(join(ROOT, 'node_modules')).filter((each) => !/^\.(cache|vite)/.test(each)))
    symlinkSync(join(ROOT, 'node_modules', name), join(copy, 'node_modules', name))
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

async function pipeline(...words: string[]) {
  const call = [join(copy, 'bin', 'pipeline.mjs'), ...words]
  const done = run(process.execPath, call, { cwd: copy, env: { ...process.env, NO_COLOR: '1' } })
  return done.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
  )
}

const read = (path: string) => readFileSync(join(copy, path), 'utf8')

test('what new writes passes the contract suites, the linter and the check as it is, and nothing is written twice', {
  timeout: 480_000,
}, async () => {
  for (const words of ['score fit_mx', 'sequence second_touch', 'crm agenda', 'provider road_show'])
    expect(await pipeline('new', ...words.split(' ')), words).toMatchObject({ code: 0 })
  const model = await pipeline('new', 'model', 'fct_trades', '--from', 'fct_scored_leads', '--output', 'json')
  expect(model).toMatchObject({ code: 0 })
  const files = JSON.parse(model.stdout) as string[]
  expect(files).toEqual(['models/marts/fct_trades.sql', 'models/marts/fct_trades.yml'])
  expect(model.stderr).toContain('no problem')
  expect(read('pipeline/generated/relations.ts')).toContain('stg_road_show__companies')
  expect(read('pipeline.yaml')).toContain('# road_show: { api_key: "${ROAD_SHOW_API_KEY}" }')

  const again = await pipeline('new', 'provider', 'road_show')
  expect(again.code).toBe(2)
  expect(again.stderr.match(/is there already/g)).toHaveLength(4)
  expect(await pipeline('new', 'model', 'trades')).toMatchObject({ code: 2 })
  expect((await pipeline('new', 'model', 'fct_x', '--from', 'dim_compnies')).stderr).toContain('dim_companies')
  expect(await pipeline('new', 'crm', '../agenda')).toMatchObject({ code: 2 })

  const made = ['ingest/providers/road_show.ts', 'test/fixtures/providers/road_show.ts', 'sync/crms/agenda.ts']
  await run(join(copy, 'node_modules/.bin/biome'), ['check', ...made], { cwd: copy })
  const suites = ['provider', 'provider-faults', 'score', 'sequence', 'crm'].map(
    (name) => `test/contract/${name}.test.ts`,
  )
  const wanted = ['road_show', 'fit_mx', 'second_touch', 'agenda', 'audiences', 'weighs', 'unused']
  const call = ['run', ...suites, '-t', wanted.join('|'), '--reporter', 'json']
  const tested = await run(join(copy, 'node_modules/.bin/vitest'), call, {
    cwd: copy,
    maxBuffer: 50_000_000,
    // In CI the report would go to a file.
    env: { ...process.env, CI: '' },
  })
  const { numPassedTests, numFailedTests } = JSON.parse(tested.stdout.slice(tested.stdout.indexOf('{'))) as Record<
    string,
    number
  >
  expect([numFailedTests, numPassedTests! > 40]).toEqual([0, true])
})
