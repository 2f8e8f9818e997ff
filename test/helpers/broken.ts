import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { addCommonOptions, addRunOptions, type RunFlags } from '../../cli/options.ts'
import { ROOMS } from '../../cli/stages.ts'
import { checkProject } from '../../pipeline/check/project-check.ts'
import { EXIT, exitCodeOf, formatProblem, ProjectError } from '../../pipeline/errors.ts'
import { loadProject } from '../../pipeline/load.ts'
import { planRun } from '../../pipeline/plan.ts'
import { failed } from '../../pipeline/results.ts'
import { run } from '../../pipeline/run.ts'
import { projectCopy } from './cli.ts'
import { CONFIG, projectFolder } from './project.ts'

/** A file of `test/broken/`: a project with its faults, and exactly what is said of them. */
export interface Broken {
  title: string
  /** `small` (the default): a seed and two models. `whole`: this repository's own project. */
  base?: 'small' | 'whole'
  files?: Record<string, string>
  /** What is written otherwise than in the base: each `find` is there once. */
  edits?: { file: string; find: string; put: string }[]
  /** As many models, each of which reads the one before. */
  cycle?: number
  command: string[]
  /** Run as a process, too. */
  cli?: boolean
  exit: number
  /** `file:line  message`, and the mend below it. For a run: what its failed nodes say. */
  problems: string[]
}

export interface Outcome {
  exit: number
  problems: string[]
}

const SMALL: Record<string, string> = {
  'pipeline.yaml': CONFIG,
  'seeds/companies.csv': 'id,name,country\n1,Acme,BR\n2,Beta,US\n',
  'models/staging/stg_companies.sql': `select
    id,
    name,
    country
from {{ ref('companies') }}
`,
  'models/marts/dim_companies.sql': `select
    id,
    name
from {{ ref('stg_companies') }}
`,
  'models/marts/dim_companies.yml': `version: 2
models:
  - name: dim_companies
    columns:
      - name: id
        data_tests: [unique]
`,
}

/** Writes the project into a throw-away folder. */
export function brokenProject({ base = 'small', files = {}, edits = [], cycle = 0 }: Broken): string {
  const written = { ...(base === 'small' ? SMALL : {}), ...files }
  const name = (index: number) => `m_${String((index + cycle) % cycle).padStart(4, '0')}`
  for (let index = 0; index < cycle; index++)
    written[`models/staging/${name(index)}.sql`] = `select *\nfrom {{ ref('${name(index - 1)}') }}\n`
  const root = base === 'small' ? projectFolder(written) : projectCopy(written)
  for (const { file, find, put } of edits) {
    const text = readFileSync(join(root, file), 'utf8')
    if (text.split(find).length !== 2) throw new Error(`'${find}' is not once in ${file}`)
    writeFileSync(
      join(root, file),
      text.replace(find, () => put),
    )
  }
  return root
}

/** What the command says of it, without a process of its own. */
export async function outcomeOf(broken: Broken, root = brokenProject(broken)): Promise<Outcome> {
  const [command = '', ...words] = broken.command
  const options = addCommonOptions(addRunOptions(new Command()))
    .option('--stage <stages...>', '', [])
    .parse(words, { from: 'user' })
    .opts<RunFlags>()
  try {
    return await outcome(root, command, options)
  } catch (error) {
    if (!(error instanceof ProjectError)) throw error
    return { exit: exitCodeOf(error), problems: error.problems.map(formatProblem) }
  }
}

async function outcome(root: string, command: string, options: RunFlags): Promise<Outcome> {
  const { set, vars, target, select, exclude, selector, stage } = options
  const project = await loadProject({ root, config_file: 'pipeline.yaml', set, vars, target, env: {}, rooms: ROOMS })
  if (command === 'check') {
    const problems = await checkProject(project)
    return { exit: problems.length === 0 ? EXIT.ok : EXIT.project, problems: problems.map(formatProblem) }
  }
  const kinds = new Set(['seed', 'model', 'snapshot', 'step', 'test', 'unit_test'] as const)
  const plan = planRun(project.graph, {
    select,
    exclude,
    ...(selector === undefined ? {} : { selector }),
    selectors: project.selectors,
    kinds,
    stages: stage,
  })
  const { results, exit_code } = await run({
    project,
    plan,
    command,
    call: `pipeline ${command}`,
    as_of: '2026-01-31',
    full_refresh: false,
    fail_fast: false,
    git_commit: null,
    listener: {},
    effects: {
      now: () => new Date('2026-01-31T12:00:00Z'),
      sleep: () => Promise.resolve(),
      random: () => 0,
      signal: new AbortController().signal,
    },
  })
  return { exit: exit_code, problems: results.filter(failed).map(({ message }) => message) }
}

/** Problems of a file that may change say a text in place of its line: `ingest/icp.yaml:«contries:»`. */
export function placed(problems: readonly string[], root: string): string[] {
  return problems.map((problem) =>
    problem.replaceAll(/^(\S+):«(.+)»/gm, (_, file: string, text: string) => {
      const lines = readFileSync(join(root, file), 'utf8').split('\n')
      return `${file}:${lines.findIndex((line) => line.includes(text)) + 1}`
    }),
  )
}
