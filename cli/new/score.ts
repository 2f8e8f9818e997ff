import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { type NewFiles, titleOf } from './files.ts'

const FOLDER = 'scoring/scores'
/** What is looked at of the cards that are there. */
const cardShape = z.looseObject({
  score: z.string(),
  part: z.string().optional(),
  segment: z.array(z.string()).optional(),
  bands: z.array(z.object({ band: z.string(), from: z.number() })).optional(),
})

/**
 * A card with one rule and the examples that hold it. `fit_mx` stands in for the card of part `fit` in the segment MX; a
 * part of its own would have to be weighed first, which moves every lead.
 */
export function newScore(name: string, root: string): NewFiles {
  const cards = cardsIn(join(root, FOLDER))
  const partOf = ({ score, part }: (typeof cards)[number]) => part ?? score
  const own = cards.find((card) => name.startsWith(`${partOf(card)}_`)) ?? cards[0]
  const part = own === undefined ? undefined : partOf(own)
  const segment = name.startsWith(`${part}_`) ? name.slice(part!.length + 1).toUpperCase() : name.toUpperCase()
  const bands = own?.bands ?? []
  const lowest = bands.findLast(({ from }) => from <= 0)?.band
  const reached = bands.find(({ from }) => from <= 40)?.band
  const standsIn = part === undefined ? '' : `part: ${part}\nsegment: [${segment}]\n`
  const shown = (band: string | undefined) => (band === undefined ? '' : `, band: ${band}`)
  const listed = bands.map(({ band, from }) => `  - { band: ${band}, from: ${from} }\n`).join('')
  const text = `# yaml-language-server: $schema=../../docs/schemas/score.json
score: ${name}
${standsIn}description: ${titleOf(name)}, from what is known of the company. A fact that is NULL is unknown.
range: [0, 100]

rules:
  - rule: has_employees
    points: 40
    when: employee_count >= 10
    because: "{employee_count} employees"
${bands.length === 0 ? '' : `\nbands:\n${listed}`}
examples:
  - given: { employee_count: 25 }
    expect: { score: 40${shown(reached)}, rules: [has_employees] }
  - given: { employee_count: 3 }
    expect: { score: 0${shown(lowest)}, rules: [] }
  - given: {} # nothing known: nothing scores
    expect: { score: 0${shown(lowest)}, rules: [] }
`
  return {
    files: [{ path: `${FOLDER}/${name}.yml`, text }],
    next: [
      `${FOLDER}/${name}.yml    write its rules, and whom it scores (segment); docs/change-a-score.md`,
      `pipeline.yaml    add ${name} to scoring: { scores: […] } to switch it on`,
      'npx pipeline diff    whom that moves',
    ],
  }
}

function cardsIn(folder: string) {
  const names = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.yml')) : []
  return names.sort().flatMap((file) => {
    const card = cardShape.safeParse(parse(readFileSync(join(folder, file), 'utf8')))
    return card.success ? [card.data] : []
  })
}
