import { expect, it } from 'vitest'
import { planRun, type RunKind } from '../../../pipeline/plan.ts'
import type { LedgerTable, Step } from '../../../pipeline/step.ts'
import { load, projectFolder } from '../../helpers/project.ts'

const step = (name: string, more: Partial<Step>): Step => ({
  ...{ name, kind: 'step', stage: 'scoring', file: 'test/steps.ts', description: name, reads: [], fingerprint: '1' },
  ...{ run: async () => ({ rows: 0, text: '' }) },
  ...more,
})
const table = (name: string) => ({
  ...{ schema: 'scoring', name, description: name, columns: { id: 'VARCHAR' }, key: ['id'] },
})
const record: LedgerTable = {
  ...{
    source: 'shop',
    table: 'orders',
    description: 'Orders',
    write: 'append',
    columns: { id: 'VARCHAR' },
    key: ['id'],
  },
}

it('build runs the steps that build tables, and none that only asks or acts', async () => {
  const steps = [
    step('ask', { records: [record] }),
    step('rate', { reads: ['orders'], builds: [table('ratings')] }),
    step('send', { reads: ['report'], outward: 'send', builds: [table('sent')] }),
  ]
  const files = {
    'models/staging/orders.sql': `select id from {{ source('shop', 'orders') }}`,
    'models/marts/report.sql': `select id from {{ ref('ratings') }}`,
  }
  const { graph } = await load(projectFolder(files), { steps })
  const names = (kinds: RunKind[], select: string[] = []) => {
    const { inner, outward, whole } = planRun(graph, { select, exclude: [], kinds: new Set(kinds), stages: [] })
    return { inner: inner.map((id) => graph.nodes.get(id)!.name), outward: outward.length, whole }
  }
  const build: RunKind[] = ['seed', 'model', 'builder', 'snapshot', 'test', 'unit_test']
  expect(names(build)).toEqual({ inner: ['orders', 'rate', 'report'], outward: 0, whole: true })
  expect(names(build, ['+report'])).toMatchObject({ inner: ['orders', 'report'], whole: false })
})
