import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Problem } from '../pipeline/errors.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import { parseCache, parseKey } from '../pipeline/parse-cache.ts'
import { openDatabase } from '../pipeline/warehouse/duckdb.ts'
import type { YamlFile } from '../pipeline/yaml.ts'
import { loadBrief } from './brief.ts'
import { loadCard, type Scorecard } from './card.ts'
import { type Reading, readExpressions } from './expression.ts'
import type { Scoring } from './layers.ts'
import { checkParts } from './parts.ts'
import { checkMatrix, loadPolicy, type Policy } from './qualification.ts'
import { noteReadings, type Source } from './source.ts'

export interface ScoringSettings {
  scores: string[]
  brief: string | null
}

/** Raised when the same files come to other scores, so that no two meanings share a version. */
const SEMANTICS = 2

/** Reads and checks all that the settings switch on; undefined, with every problem, where any of it is wrong. */
export async function loadScoring(
  root: string,
  settings: ScoringSettings,
  config: YamlFile,
  problems: Problem[],
): Promise<Scoring | undefined> {
  const found: Problem[] = []
  const missing = (folder: string, name: string, path: PropertyKey[]): Problem => ({
    file: config.file,
    get line() {
      return config.lineOf(['scoring', ...path])
    },
    message: `scoring.${String(path[0])}: there is no scoring/${folder}/${name}${folder === 'briefs' ? '.<language>.md' : '.yml'}`,
    hint: didYouMean(name, namesIn(root, folder)) ?? 'Write the file, or take the name out.',
  })
  const names = [...new Set(settings.scores)]
  const cards = names.flatMap((name) => {
    const path = ['scores', settings.scores.indexOf(name)]
    const card = loadCard(root, name, found, missing('scores', name, path))
    return card === undefined ? [] : [card]
  })
  const policy = loadPolicy(
    root,
    cards.map(({ part }) => part),
    found,
  )
  if (found.length === 0) checkParts(cards)
  if (found.length === 0 && policy !== undefined) checkMatrix(policy, cards)
  const brief =
    settings.brief === null
      ? undefined
      : loadBrief(root, settings.brief, found, missing('briefs', settings.brief, ['brief']))
  const parts = [...cards, ...(policy === undefined ? [] : [policy])].map(({ source }) => source)
  await readWithDuckDB([...parts, ...(brief?.sources ?? [])], found)
  problems.push(...found)
  if (found.length > 0 || policy === undefined) return undefined
  return { cards, policy, brief, version: versionOf(cards, policy) }
}

async function readWithDuckDB(sources: readonly Source[], problems: Problem[]): Promise<void> {
  const expressions = sources.flatMap((source) => source.expressions).map(({ sql }) => sql)
  const key = parseKey('expressions', JSON.stringify(expressions))
  const known = parseCache.find(key)?.data as Reading[] | undefined
  const readings = known ?? (expressions.length === 0 ? [] : await readInMemory(expressions))
  parseCache.keep(key, readings)
  noteReadings(sources, readings, problems)
}

async function readInMemory(expressions: readonly string[]): Promise<Reading[]> {
  const database = await openDatabase({ threads: 1 })
  try {
    const connection = await database.connect()
    return await readExpressions(connection, expressions).finally(() => connection.close())
  } finally {
    database.close()
  }
}

function namesIn(root: string, folder: string): string[] {
  try {
    return readdirSync(join(root, 'scoring', folder)).flatMap((file) =>
      /\.(yml|md)$/.test(file) ? [file.replace(/(\.[a-z]{2}\.md|\.yml)$/, '')] : [],
    )
  } catch {
    return []
  }
}

/** Hash of what cards and qualification mean: comments, descriptions and examples do not change a version. */
function versionOf(cards: readonly Scorecard[], { qualification }: Policy): string {
  const meaning = cards
    .map(({ card: { description: _, examples: __, properties: ___, ...card } }) => card)
    .sort((a, b) => (a.score < b.score ? -1 : 1))
  const { description: _, ...rules } = qualification
  return hash([SEMANTICS, meaning, rules]).slice(0, 12)
}

/** Files as they are: what decides all that the step builds, briefs included. */
export function fingerprintOf({ cards, policy, brief, version }: Scoring): string {
  const sources = [...[...cards, policy].map(({ source }) => source), ...(brief?.sources ?? [])]
  return hash([version, sources.map(({ yaml, content }) => [yaml.file, content])])
}

/** What decides only how things are put: the brief, and what a rule is called where it would raise a score. */
export function toldBy({ cards, brief }: Scoring): string {
  const words = cards.flatMap(({ rules }) => rules.map(({ name, raise }) => [name, raise]))
  return hash([brief?.sources.map(({ yaml, content }) => [yaml.file, content]) ?? null, words])
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}
