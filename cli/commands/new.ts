import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Command } from 'commander'
import { codeRoot } from '../../pipeline/code-root.ts'
import { EXIT, type Problem, ProjectError } from '../../pipeline/errors.ts'
import { newCrm } from '../new/crm.ts'
import type { NewFiles } from '../new/files.ts'
import { newModel } from '../new/model.ts'
import { newProvider } from '../new/provider.ts'
import { newScore } from '../new/score.ts'
import { newSequence } from '../new/sequence.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { action, type CommandSession } from '../session.ts'

type Make = (name: string, session: CommandSession, options: { from?: string }) => NewFiles | Promise<NewFiles>

const KINDS: Record<string, { description: string; make: Make }> = {
  provider: { description: 'a source of data, with its replay server and staging model', make: newProvider },
  model: {
    description: 'a SQL model with its twin; its name says where it lies',
    make: async (name, { load }, { from }) => newModel(name, await load(), from),
  },
  score: { description: 'a scorecard with examples', make: (name, { root }) => newScore(name, root) },
  sequence: { description: 'an outreach sequence with its templates', make: newSequence },
  crm: { description: 'a CRM with a mapping', make: newCrm },
}

export function register(program: Command): void {
  const command = program.command('new').description('the files of a new plug-in, which pass their tests as they are')
  for (const [kind, { description, make }] of Object.entries(KINDS)) {
    const own = addCommonOptions(command.command(`${kind} <name>`).description(description))
    if (kind === 'model') own.option('--from <model>', 'what it reads; dim_companies unless said')
    own.action(
      action<CommonOptions & { from?: string }>(async (session, options, [name]) => {
        checkName(kind, name!)
        const made = await make(name!, session, options)
        const written = write(session.root, made)
        if (made.relations && session.root === codeRoot()) session.report.line(writeTypes(session.root))
        const shown = written.map((file) => relative(process.cwd(), file))
        if (options.output === 'json') session.report.json(shown)
        else for (const file of shown) session.report.out(file)
        session.report.line(['', 'Next', ...made.next.map((line) => `  ${line}`)].join('\n'))
        return EXIT.ok
      }),
    )
  }
}

const NAME = /^[a-z][a-z0-9]*(_{1,2}[a-z0-9]+)*$/

function checkName(kind: string, name: string): void {
  if (NAME.test(name)) return
  const hint =
    'It is a file, a name in SQL and one in YAML: small letters, digits and single underscores, as trade_fair.'
  throw new ProjectError([{ file: `new ${kind}`, message: `'${name}' is no name`, hint }])
}

/** All of it, or nothing where any of it is there already. Answers the files. */
function write(root: string, { files, config }: NewFiles): string[] {
  const places = files.map(({ path, text, code }) => ({ file: join(code ? codeRoot() : root, path), path, text }))
  const problems = places
    .filter(({ file }) => existsSync(file))
    .map(({ path }): Problem => ({ file: path, message: 'is there already', hint: 'Take another name, or edit it.' }))
  if (problems.length > 0) throw new ProjectError(problems)
  for (const { file, text } of places) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text, { flag: 'wx' })
  }
  const written = places.map(({ file }) => file)
  const settings = join(root, 'pipeline.yaml')
  if (config !== undefined && addLine(settings, config)) written.push(settings)
  return written
}

/** The types of the new relations, and what the check of the project says; a process of its own, since this one does not know the new code. */
function writeTypes(root: string): string {
  const call = [join(codeRoot(), 'bin', 'pipeline.mjs'), 'check', '--write-types', '--no-types']
  return spawnSync(process.execPath, call, { cwd: root, encoding: 'utf8' }).stderr.trimEnd()
}

function addLine(file: string, { after, line }: NonNullable<NewFiles['config']>): boolean {
  if (!existsSync(file)) return false
  const lines = readFileSync(file, 'utf8').split('\n')
  const at = lines.findIndex((each) => after.test(each))
  if (at < 0) return false
  writeFileSync(file, [...lines.slice(0, at + 1), line, ...lines.slice(at + 1)].join('\n'))
  return true
}
