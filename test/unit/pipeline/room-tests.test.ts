import { expect, it } from 'vitest'
import type { Problem } from '../../../pipeline/errors.ts'
import type { GraphNode, ModelNode, StepNode } from '../../../pipeline/nodes.ts'
import { roomTestNodes } from '../../../pipeline/room-tests.ts'

const model = { kind: 'model', id: 'model.p.facts', name: 'facts' } as ModelNode
const step = {
  kind: 'step',
  id: 'step.p.scores',
  name: 'scores',
  step: { builds: [{ schema: 'scoring', name: 'lead_scores' }] },
} as unknown as StepNode
const nodes = new Map<string, GraphNode>([model, step].map((node) => [node.id, node]))
const about = (name: string) => ({ name: `of_${name}`, file: 'cards/fit.yml', description: 'd', about: name, sql: 's' })

it('hangs a test on the model, or on the step that builds the table', () => {
  const problems: Problem[] = []
  const made = roomTestNodes([about('facts'), about('lead_scores')], nodes, 'p', problems)
  expect(made.map(({ id, deps, attached }) => [id, deps, attached])).toEqual([
    ['test.p.of_facts', ['model.p.facts'], 'model.p.facts'],
    ['test.p.of_lead_scores', ['step.p.scores'], 'step.p.scores'],
  ])
  expect(problems).toEqual([])
})

it('does not let a test go that is about nothing', () => {
  const problems: Problem[] = []
  expect(roomTestNodes([about('lead_score')], nodes, 'p', problems)).toEqual([])
  expect(problems).toEqual([
    {
      file: 'cards/fit.yml',
      message: "the test of_lead_score is about 'lead_score', which is no model and no table of a step",
      hint: 'Did you mean lead_scores?',
    },
  ])
})
