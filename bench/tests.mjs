// Data tests one by one and with those of a table in one scan, on this project's own build. Counts must be the same.
// node bench/tests.mjs [rounds]      (after: npx pipeline run)
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const rounds = Number(process.argv[2] ?? 7)
const file = join(root, 'data', '.build', 'warehouse.duckdb')
if (!existsSync(file)) {
  console.error('There is no build to test. Run npx pipeline run first.')
  process.exit(2)
}

const bundle = join(root, 'node_modules', '.cache', 'lead-engine', 'bench-tests.mjs')
const contents = `
export { ROOMS } from './cli/stages.ts'
export { loadProject } from './pipeline/load.ts'
export { countFailures, failuresOf } from './pipeline/tests/runner.ts'
export { openSession } from './pipeline/warehouse/session.ts'
`
await build({
  stdin: { contents, resolveDir: root, loader: 'ts' },
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  external: ['@duckdb/node-bindings*', 'esbuild'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'error',
})
const { ROOMS, loadProject, countFailures, failuresOf, openSession } = await import(pathToFileURL(bundle).href)
const project = await loadProject({
  root,
  config_file: 'pipeline.yaml',
  set: [],
  vars: {},
  env: process.env,
  rooms: ROOMS,
})
const tests = [...project.graph.nodes.values()].filter(({ kind }) => kind === 'test')
const batched = tests.filter(({ batch }) => batch !== undefined)
const groups = new Map()
for (const test of batched) groups.set(test.batch.from, [...(groups.get(test.batch.from) ?? []), test])
const session = await openSession({ build: file, read_only: true, as_of: '2000-01-01', threads: 2 })
const schemas = [...project.graph.nodes.values()].flatMap((node) => ('relation' in node ? [node.relation.schema] : []))
await session.useSchemas(new Set([...schemas, 'discovery', 'scoring']))
const { connection } = session

const took = { floor: [], alone: [], together: [] }
let differ = 0
for (let round = 0; round < rounds; round++) {
  took.floor.push(
    await timed(async () => {
      for (const _ of batched) await connection.rows('select count(*) as failures from (select 1 where false)')
    }),
  )
  const alone = new Map()
  took.alone.push(
    await timed(async () => {
      for (const test of batched) alone.set(test.id, await countFailures(connection, test).catch(() => -1))
    }),
  )
  const together = new Map()
  took.together.push(
    await timed(async () => {
      for (const group of groups.values())
        for (const [id, count] of await failuresOf(connection, group)) together.set(id, count)
    }),
  )
  for (const [id, count] of together) if (alone.get(id) !== count) differ++
}
const others = await timed(async () => {
  for (const test of tests) if (test.batch === undefined) await countFailures(connection, test).catch(() => -1)
})
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
console.log(`${tests.length} data tests, ${batched.length} of them in ${groups.size} scans; median of ${rounds} rounds`)
console.log(`statements that test nothing   ${median(took.floor).toFixed(0).padStart(6)} ms`)
console.log(`one by one                     ${median(took.alone).toFixed(0).padStart(6)} ms`)
console.log(`a table's in one scan          ${median(took.together).toFixed(0).padStart(6)} ms`)
console.log(`the ${tests.length - batched.length} that stay alone           ${others.toFixed(0).padStart(6)} ms`)
console.log(differ === 0 ? 'every count is the same' : `${differ} counts differ`)
session.close()
if (differ > 0) process.exitCode = 1

async function timed(work) {
  const start = performance.now()
  await work()
  return performance.now() - start
}
