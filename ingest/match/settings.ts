import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type Problem, ProjectError } from '../../pipeline/errors.ts'
import { readChecked } from '../../pipeline/yaml.ts'

const probability = z.number().min(0).max(1)

/** `ingest/matching.yaml`: when two records are one company. */
export const matchSchema = z.strictObject({
  /** From here on they are one. */
  match: probability.default(0.9),
  /** From here on a person is asked. */
  review: probability.default(0.5),
  /** Up to here a pair speaks against a cluster that holds both. */
  contradiction: probability.default(0.02),
  /** `match --pairs`: from here on two names are said to be the same. */
  same: probability.default(0.6),
  /** What share of the pairs worth comparing is thought to be the same before anything is known. */
  share_of_candidates: probability.default(0.12),
  /** The same of pairs that are given. */
  share_of_pairs: probability.default(0.5),
})

export type MatchSettings = z.output<typeof matchSchema>

const FILE = 'ingest/matching.yaml'

/** The project's thresholds; the defaults where it has no such file. Throws ProjectError with every fault and its line. */
export function readMatchSettings(root: string): MatchSettings {
  const problems: Problem[] = []
  const settings = loadMatchSettings(root, problems)
  if (settings === undefined) throw new ProjectError(problems)
  return settings
}

/** The same, faults added to `problems`. */
export function loadMatchSettings(root: string, problems: Problem[]): MatchSettings | undefined {
  const path = join(root, FILE)
  if (!existsSync(path)) return matchSchema.parse({})
  const before = problems.length
  const read = readChecked(matchSchema, 'matching', { file: FILE, text: readFileSync(path, 'utf8') }, problems)
  if (read === undefined || problems.length > before) return undefined
  const { match, review } = read.value
  if (review > match) {
    const line = read.yaml.lineOf(['review'])
    problems.push({
      file: FILE,
      line,
      message: `review ${review} is above match ${match}`,
      hint: 'review asks a person below match.',
    })
    return undefined
  }
  return read.value
}
