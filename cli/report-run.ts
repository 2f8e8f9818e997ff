import { relative } from 'node:path'
import { op, table } from 'arquero'
import type { Project } from '../pipeline/load.ts'
import type { NodeResult, Status } from '../pipeline/results.ts'
import { failed } from '../pipeline/results.ts'
import type { RunResult } from '../pipeline/run.ts'
import { placesOf } from '../pipeline/warehouse/home.ts'
import type { RunFlags } from './options.ts'
import { type Report, row } from './report.ts'

interface Told {
  result: RunResult
  project: Project
  options: RunFlags
  which: string
}

/** The end of a run: what was built and published, what failed, and what to do next. */
export function reportRun(report: Report, told: Told): void {
  const { result, options } = told
  const steps = result.results.filter(({ node }) => node.kind === 'step')
  for (const { node, status, message } of steps) {
    if (status === 'reused' && node.kind === 'step') report.line(report.dim(row(node.step.stage, node.name, message)))
  }
  if (result.taken_in.taken > 0) report.line(row('incoming', '', `${result.taken_in.taken} taken in`))
  if (result.taken_in.rejected > 0)
    report.line(row('incoming', '', `${result.taken_in.rejected} unreadable, renamed to .rejected`))
  const tally = new Tally(result.results)
  report.line(row('models', '', tally.say('model', MODEL_WORDS), tally.seconds('model')))
  if (result.results.some(({ node }) => node.kind === 'snapshot'))
    report.line(row('snapshots', '', tally.say('snapshot', SNAPSHOT_WORDS), tally.seconds('snapshot')))
  report.line(row('tests', '', tally.say('test', TEST_WORDS), tally.seconds('test')))
  report.line(row('published', '', publicationOf(told)))
  report.line()
  if (options.output === 'json') report.json(summary(result))
  else for (const line of endOf(report, told)) report.line(line)
}

/** What people call the same. */
const KIND_TOLD: Partial<Record<NodeResult['node']['kind'], string>> = { seed: 'model', unit_test: 'test' }

/** Counts and seconds of a run by kind of node and status. */
class Tally {
  readonly #groups: { kind: string; status: string; count: number; seconds: number }[]

  constructor(results: readonly NodeResult[]) {
    const kinds = results.map(({ node }) => KIND_TOLD[node.kind] ?? node.kind)
    const groups = table({
      kind: kinds,
      status: results.map(({ status }) => status),
      seconds: results.map(({ seconds }) => seconds),
    })
      .groupby('kind', 'status')
      .rollup({ count: op.count(), seconds: op.sum('seconds') })
    this.#groups = groups.objects() as { kind: string; status: string; count: number; seconds: number }[]
  }

  /** `12 built, 60 unchanged`: the words for some statuses, in this order. */
  say(kind: string, words: readonly (readonly [string, readonly Status[]])[]): string {
    const told = words.flatMap(([word, statuses]) => {
      const count = this.#sum('count', ({ kind: own, status }) => own === kind && statuses.includes(status as Status))
      return count === 0 ? [] : [`${count} ${word}`]
    })
    return told.join(', ') || 'none'
  }

  seconds(kind: string): number {
    return this.#sum('seconds', (group) => group.kind === kind)
  }

  #sum(what: 'count' | 'seconds', of: (group: { kind: string; status: string }) => boolean): number {
    return this.#groups.filter(of).reduce((total, group) => total + group[what], 0)
  }
}

const MODEL_WORDS = [
  ['built', ['success']],
  ['unchanged', ['reused']],
  ['failed', ['error']],
  ['skipped', ['skipped']],
] as const
const SNAPSHOT_WORDS = [['taken', ['success']], ...MODEL_WORDS.slice(1)] as const
const TEST_WORDS = [
  ['passed', ['pass']],
  ['warned', ['warn']],
  ['failed', ['fail', 'error']],
  ['skipped', ['skipped']],
] as const

function publicationOf({ result, project, which, options }: Told): string {
  const { warehouse } = placesOf(project.root, project.config.target)
  const place = relative(project.root, warehouse)
  if (result.published) return `${place} (publication ${result.publication?.id})`
  if (result.publication === undefined) return 'nothing yet'
  if (result.results.some((each) => failed(each) && !each.remote))
    return `${place} stays as it was (publication ${result.publication.id})`
  if (options.select.length > 0 || options.exclude.length > 0 || options.stage.length > 0) {
    return `not from a part of the graph; publication ${result.publication.id} stands`
  }
  if (which !== 'run' && which !== 'build') return `not by ${which}; publication ${result.publication.id} stands`
  return `${place}: publication ${result.publication.id} is up to date`
}

function summary(result: RunResult): Record<string, unknown> {
  const { run_id, exit_code, seconds, publication, published, recorded, live } = result
  const counts: Record<string, number> = {}
  for (const { status } of result.results) counts[status] = (counts[status] ?? 0) + 1
  const steps = result.results.flatMap(({ node, status, message, rows, summary: told }) =>
    node.kind === 'step'
      ? [{ step: node.name, stage: node.step.stage, status, message, rows: rows ?? null, counts: told?.counts ?? {} }]
      : [],
  )
  const failures = result.results.filter(failed).map(({ node, message }) => ({ node: node.id, message }))
  const built = result.results.flatMap(({ node, reason }) =>
    reason === undefined || /test/.test(node.kind) ? [] : [{ node: node.id, reason }],
  )
  return {
    run_id,
    exit_code,
    seconds,
    published,
    publication: publication?.id ?? null,
    recorded,
    live,
    counts,
    built,
    steps,
    failures,
  }
}

function endOf(report: Report, { result, project, options, which }: Told): string[] {
  const failures = result.results.filter(failed)
  const time = `${result.seconds.toFixed(1)} s`
  if (failures.length > 0) {
    const names = failures.slice(0, 5).map(({ node }) => node.name)
    const more = failures.length > 5 ? ` and ${failures.length - 5} more` : ''
    const again = failures.every(({ remote }) => remote)
      ? 'The rest went on. pipeline retry asks again for what is missing.'
      : 'Mend it, then: pipeline retry'
    return [report.red(`${failures.length} failed in ${time}: ${names.join(', ')}${more}`), again]
  }
  const idle = !result.published && !result.recorded
  const whole = options.select.length === 0 && options.stage.length === 0
  if (idle && whole && which === 'run') return [report.green(`Nothing has changed; nothing was done twice (${time}).`)]
  const lines = [report.green(`Done in ${time}.`)]
  if (which !== 'run' || !whole) return lines
  const exports = relative(project.root, placesOf(project.root, project.config.target).exports)
  return [
    ...lines,
    '',
    'Next',
    '  pipeline show -s fct_scored_leads    look at any table',
    `  ${`${exports}/*.parquet`.padEnd(36)} open the marts in any tool`,
    '  ingest/icp.yaml, scoring/scores/     say who you want, and why; then pipeline run',
    result.live.length === 0
      ? '  pipeline.yaml                        switch on real providers; a target with live: acts'
      : '  pipeline status                      what was done, and what waits',
  ]
}
