import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { z } from 'zod'
import type { Problem } from '../pipeline/errors.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import { readYaml, validate, type YamlFile } from '../pipeline/yaml.ts'
import type { Channel } from './define.ts'
import { SLOTS } from './lead.ts'
import { sequenceFile, type sequenceStep, type WEEKDAYS } from './sequence-file.ts'
import { readTemplate, type Template } from './template.ts'

/** A sequence as the planner uses it: checked, its templates read. */
export interface Sequence {
  name: string
  file: string
  /** Hash of everything that decides what is written to whom and when. */
  version: string
  audience: string
  /** Line of `audience` in `file`. */
  audience_line: number
  days: readonly (typeof WEEKDAYS)[number][]
  language: string
  languages: Readonly<Record<string, string>>
  /** Absent: at each hour of each day. */
  hours?: { from: string; to: string }
  max_late_days?: number
  legal_basis?: 'legitimate_interest' | 'consent'
  balancing_note?: string
  recontact_after_days?: number
  steps: readonly SequenceStep[]
}

export interface SequenceStep extends z.output<typeof sequenceStep> {
  /** One for each language of the sequence; of the first variant, where there are some. */
  templates: Readonly<Record<string, Template>>
  /** The same of each variant, by its name. */
  texts?: Readonly<Record<string, Readonly<Record<string, Template>>>>
}

const FOLDER = 'outreach/sequences'

/** Names of the sequences that have a file below the project folder. */
export function sequenceNames(root: string): string[] {
  const folder = join(root, FOLDER)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yml'))
    .map((file) => file.slice(0, -'.yml'.length))
    .sort()
}

/** Reads a sequence and its templates; undefined, with problems added, when anything about it is wrong. */
export function readSequence(
  root: string,
  name: string,
  channels: ReadonlyMap<string, Channel>,
  problems: Problem[],
): Sequence | undefined {
  const before = problems.length
  const yaml = readYaml(root, join(root, FOLDER, `${name}.yml`), problems)
  const file = yaml && validate(sequenceFile, yaml, problems)
  if (file === undefined) return undefined
  const languages = [...new Set([file.language, ...Object.values(file.languages)])].sort()
  const steps = file.steps.map((step, index): SequenceStep => {
    const earlier = file.steps.findIndex(({ id }) => id === step.id)
    if (earlier < index) {
      problems.push({
        ...at(yaml!, ['steps', index, 'id']),
        message: `two steps are called '${step.id}'`,
        hint: 'The id is part of what tells one message from another: give each its own.',
      })
    }
    const channel = channels.get(step.channel)
    if (channel === undefined) {
      problems.push({
        ...at(yaml!, ['steps', index, 'channel']),
        message: `channel '${step.channel}' is not switched on`,
        hint: `Add it below outreach.channels in pipeline.yaml. On: ${[...channels.keys()].join(', ') || 'none'}.`,
      })
    }
    if ((step.template === undefined) === (step.variants === undefined)) {
      problems.push({
        ...at(yaml!, ['steps', index]),
        message: `step '${step.id}' has ${step.template === undefined ? 'no template' : 'a template and variants'}`,
        hint: 'Give it `template`, or `variants` to compare: one of the two.',
      })
    }
    const textsOf = (template: string) =>
      Object.fromEntries(
        languages.flatMap((language) => {
          const read = readTemplate(root, `outreach/templates/${template}.${language}.md`, SLOTS, problems)
          if (read === undefined) return []
          if (channel !== undefined) checkSubject(read, step.channel, channel, problems)
          return [[language, read] as const]
        }),
      )
    if (step.variants === undefined) return { ...step, templates: step.template ? textsOf(step.template) : {} }
    const texts = Object.fromEntries(
      Object.entries(step.variants).map(([name, template]) => [name, textsOf(template)] as const),
    )
    return { ...step, texts, templates: Object.values(texts)[0] ?? {} }
  })
  if (problems.length > before) return undefined
  const version = createHash('sha256')
    .update(JSON.stringify({ ...file, steps }))
    .digest('hex')
    .slice(0, 12)
  return {
    ...file,
    hours: file.hours === 'any' ? undefined : file.hours,
    name,
    file: yaml!.file,
    version,
    get audience_line() {
      return yaml!.lineOf(['audience'])
    },
    steps,
  }
}

function checkSubject(template: Template, name: string, channel: Channel, problems: Problem[]): void {
  if (channel.subject === (template.subject !== null)) return
  problems.push({
    file: template.file,
    line: 1,
    message: channel.subject ? `has no subject, and ${name} needs one` : `has a subject, and ${name} shows none`,
    hint: channel.subject
      ? 'Begin it with front matter: ---, subject: ..., ---.'
      : 'Remove `subject:` from the front matter.',
  })
}

function at(yaml: YamlFile, path: readonly PropertyKey[]): { file: string; line: number } {
  return { file: yaml.file, line: yaml.lineOf(path) }
}

/** A problem of `pipeline.yaml` when it switches on a sequence that has no file. */
export function unknownSequence(root: string, name: string, config: YamlFile, index: number): Problem | undefined {
  const known = sequenceNames(root)
  if (known.includes(name)) return undefined
  return {
    ...at(config, ['outreach', 'sequences', index]),
    message: `there is no sequence '${name}'`,
    hint: didYouMean(name, known) ?? `Write ${FOLDER}/${name}.yml.`,
  }
}
