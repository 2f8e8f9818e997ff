import { describe, expect, it } from 'vitest'
import { ROOMS } from '../../../cli/stages.ts'
import { codeRoot } from '../../../pipeline/code-root.ts'
import { hashFile } from '../../../pipeline/hash.ts'
import { loadProject } from '../../../pipeline/load.ts'
import { UnitTestRunner } from '../../../pipeline/unit-tests/runner.ts'
import { BuildState } from '../../../pipeline/warehouse/state.ts'
import { world } from '../../helpers/world.ts'

const project = await loadProject({
  root: codeRoot(),
  config_file: 'pipeline.yaml',
  set: [],
  vars: {},
  env: {},
  rooms: ROOMS,
})
const tests = [...project.graph.nodes.values()].filter((node) => node.kind === 'unit_test')

describe('unit tests of our own models', () => {
  it('there are some', () => expect(tests.length).toBeGreaterThanOrEqual(8))

  it.each(tests.map((test) => [test.name, test] as const))('%s', async (_, test) => {
    const w = await world()
    const runner = new UnitTestRunner({
      graph: project.graph,
      state: await BuildState.open(w.world.session),
      connection: w.connection,
      as_of: '2026-11-22',
      root: codeRoot(),
      hashOf: hashFile,
      mustRun: () => true,
    })
    expect((await runner.run(test)).message).toBe('')
    runner.close()
    w.close()
  })
})
