import { join, relative } from 'node:path'
import type { Command } from 'commander'
import type { ProjectCheck } from '../../pipeline/check/project-check.ts'
import { codeRoot } from '../../pipeline/code-root.ts'
import { EXIT, formatProblem, type Problem, ProjectError } from '../../pipeline/errors.ts'
import type { Project } from '../../pipeline/load.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import type { Report } from '../report.ts'
import { action } from '../session.ts'

interface CheckOptions extends CommonOptions {
  types: boolean
  writeTypes: boolean
}

export function register(program: Command): void {
  const command = program
    .command('check')
    .description('bind every model, test and analysis without data, then the TypeScript that reads them')
    .option('--no-types', 'SQL and YAML only')
    .option('--write-types', 'write pipeline/generated/relations.ts, the types of every relation', false)
  addCommonOptions(command).action(
    action<CheckOptions>(async ({ report, root, load }, options) => {
      const project = await load()
      const { inspectProject } = await import('../../pipeline/check/project-check.ts')
      const checked = await inspectProject(project, { advice: true })
      const problems = [...checked.problems]
      if (options.types || options.writeTypes)
        problems.push(...(await typeProblems(report, root, project, checked, options)))
      const { bound, skipped, catalogue, warnings } = checked
      if (options.output === 'json') report.json({ bound, relations: catalogue.size, skipped, problems, warnings })
      for (const { name, file, reason } of skipped) report.line(`${file}  ${name} is not checked: ${reason}`)
      for (const warning of warnings) report.line(`${report.yellow('warning')}  ${formatProblem(warning)}`)
      if (problems.length > 0) throw new ProjectError(problems)
      report.line(
        `${bound} bound against ${catalogue.size} relations without rows, ${skipped.length} not checked: no problem`,
      )
      return EXIT.ok
    }),
  )
}

async function typeProblems(
  report: Report,
  root: string,
  project: Project,
  checked: ProjectCheck,
  { types, writeTypes }: CheckOptions,
): Promise<Problem[]> {
  const { freshnessOf, RELATIONS_FILE, relationTypes, writeRelationTypes } = await import(
    '../../pipeline/check/relation-types.ts'
  )
  const { checkTypes } = await import('../../pipeline/check/typescript.ts')
  const text = relationTypes(project, checked)
  if (writeTypes && checked.problems.length > 0) report.line(`${RELATIONS_FILE} is not written: the SQL has problems`)
  else if (writeTypes) report.line(`${RELATIONS_FILE} ${writeRelationTypes(text) ? 'written' : 'is as it was'}`)
  // The code is the repository's; another folder's SQL is checked against it, and has no file of its own.
  const own = relative(root, codeRoot()) === '' && checked.problems.length === 0
  const stale = own ? freshnessOf(text, root) : []
  if (!types) return stale
  const found = checkTypes(text, join(root, 'target', '.cache'))
  if (found === undefined) report.line('TypeScript is not installed here: steps are not checked (npm ci installs it)')
  return [...stale, ...(found ?? [])]
}
