import { readdirSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import type { Channel } from '../../outreach/define.ts'
import { dueLeads } from '../../outreach/due.ts'
import { loadChannel } from '../../outreach/load-channel.ts'
import { settings, steps } from '../../outreach/run.ts'
import { readSequence, sequenceNames } from '../../outreach/sequence.ts'
import { render } from '../../outreach/template.ts'
import type { Problem } from '../../pipeline/errors.ts'
import { parseYaml } from '../../pipeline/yaml.ts'
import { fillMarts } from '../helpers/marts.ts'
import { world } from '../helpers/world.ts'

const ROOT = process.cwd()
const channels = new Map<string, Channel>()
for (const file of readdirSync('outreach/channels')) {
  const name = file.replace(/\.ts$/, '')
  channels.set(name, (await loadChannel(name))!)
}
const names = sequenceNames(ROOT)

describe.each(names)('sequence %s', async (name) => {
  const problems: Problem[] = []
  const sequence = readSequence(ROOT, name, channels, problems)

  test('is whole: steps, channels and a template for every language', () => {
    expect(problems).toEqual([])
  })

  test('every message can be written for a lead of whom all is known, and its channel takes it', () => {
    for (const step of sequence!.steps) {
      for (const template of Object.values(step.templates)) {
        const message = render(template, (slot) => `Some ${slot}`)
        if ('unfilled' in message || 'uncarried' in message) throw new Error(`${template.file} is unfilled`)
        const address = step.channel === 'email' ? 'a@company.example' : 'https://www.linkedin.com/in/a'
        expect(
          channels.get(step.channel)!.refuses({ address, address_status: null, address_is_role: false, ...message }),
          template.file,
        ).toBeUndefined()
        expect(`${message.subject} ${message.body}`, template.file).not.toMatch(/[{}]/)
      }
    }
  })

  test('its first message claims no earlier one', () => {
    for (const { file, subject } of Object.values(sequence!.steps[0]!.templates)) {
      expect(String(subject?.[0] ?? ''), file).not.toMatch(/^\s*(re|fwd?|enc|res)\s*:/i)
    }
  })
})

describe('audiences', async () => {
  const made = await world()
  afterAll(() => made.close())
  await fillMarts(made, [{}])
  const config = parseYaml('pipeline.yaml', '{}', [])!
  const room = await steps({ root: ROOT, settings: settings.parse({}), config, problems: [] })
  await made.context(room.steps[0]!)

  test.each(names)('%s binds on the marts', async (name) => {
    const sequence = readSequence(ROOT, name, channels, [])!
    for await (const cases of dueLeads(made.connection, [sequence])) expect(cases.length).toBeGreaterThan(0)
  })
})

test('no template lies about unused', () => {
  const used = names.flatMap((name) => {
    const { steps } = readSequence(ROOT, name, channels, [])!
    return steps.flatMap(({ templates }) => Object.values(templates).map(({ file }) => file))
  })
  const files = readdirSync('outreach/templates', { recursive: true, encoding: 'utf8' })
  const texts = files.filter((file) => file.endsWith('.md')).map((file) => `outreach/templates/${file}`)
  expect(texts.filter((file) => !used.includes(file))).toEqual([])
})
