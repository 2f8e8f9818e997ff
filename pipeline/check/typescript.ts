import { existsSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import type ts from 'typescript'
import { codeRoot } from '../code-root.ts'
import type { Problem } from '../errors.ts'
import { RELATIONS_FILE } from './relation-types.ts'

/** Folders that are no part of the program. */
const APART = ['test', 'bench']

/**
 * Checks the program's TypeScript with the relations as they are now, whatever the file in the repository says: a step that
 * reads a column no relation has is a problem at its line. `undefined` where TypeScript is not installed. What was checked
 * is remembered in `cache`, so that only what changed is checked again.
 */
export function checkTypes(relations: string, cache: string): Problem[] | undefined {
  const root = codeRoot()
  const typescript = installed(root)
  if (typescript === undefined) return undefined
  const { options, fileNames } = configuration(typescript, root)
  mkdirSync(cache, { recursive: true })
  const host = typescript.createIncrementalCompilerHost({ ...options })
  const generated = join(root, RELATIONS_FILE)
  const isGenerated = (path: string) => host.getCanonicalFileName(path) === host.getCanonicalFileName(generated)
  const { readFile, getSourceFile } = host
  const version = createVersion(typescript)
  host.readFile = (path) => (isGenerated(path) ? relations : readFile.call(host, path))
  host.getSourceFile = (path, languageVersion, ...rest) => {
    if (!isGenerated(path)) return getSourceFile.call(host, path, languageVersion, ...rest)
    const file = typescript.createSourceFile(path, relations, languageVersion)
    return Object.assign(file, { version: version(relations) })
  }
  const program = typescript.createIncrementalProgram({
    rootNames: fileNames.filter((path) => !APART.includes(relative(root, path).split(/[/\\]/)[0]!)),
    options: { ...options, noEmit: true, incremental: true, tsBuildInfoFile: join(cache, 'types.tsbuildinfo') },
    host,
  })
  const found = [
    ...program.getOptionsDiagnostics(),
    ...program.getSyntacticDiagnostics(),
    ...program.getSemanticDiagnostics(),
  ]
  program.emit()
  return found.map((diagnostic) => problemOf(typescript, diagnostic, root))
}

function createVersion(typescript: typeof ts): (text: string) => string {
  return (text) => typescript.sys.createHash?.(text) ?? text
}

/** The repository's own TypeScript. It is found at run time: it is no part of the program. */
function installed(root: string): typeof ts | undefined {
  const require = createRequire(join(root, 'package.json'))
  try {
    return require('typescript') as typeof ts
  } catch {
    return undefined
  }
}

function configuration(typescript: typeof ts, root: string): ts.ParsedCommandLine {
  const path = join(root, 'tsconfig.json')
  const { config } = typescript.readConfigFile(path, typescript.sys.readFile) as { config: unknown }
  return typescript.parseJsonConfigFileContent(config, typescript.sys, existsSync(path) ? dirname(path) : root)
}

const MOST_LETTERS = 240

function problemOf(typescript: typeof ts, { file, start, messageText, code }: ts.Diagnostic, root: string): Problem {
  const whole = typescript.flattenDiagnosticMessageText(messageText, ' ').replaceAll(/\s+/g, ' ')
  const told = columnTold(whole) ?? {
    message: abbreviated(typeof messageText === 'string' ? whole : messageText.messageText),
  }
  const message = `TS${code}: ${told.message}`
  const hint = told.hint === undefined ? {} : { hint: told.hint }
  if (file === undefined) return { file: 'tsconfig.json', message, ...hint }
  const line = start === undefined ? {} : { line: file.getLineAndCharacterOfPosition(start).line + 1 }
  return { file: relative(root, file.fileName), ...line, message, ...hint }
}

/** What Kysely's types mean when they refuse a name: TypeScript lists every overload, the reader wants the column. */
function columnTold(text: string): { message: string; hint?: string } | undefined {
  const refused =
    /'"([^"]+)"' is not assignable to (?:type|parameter of type) '\w*Expression\w*<Relations, ([^>]+?)>'/.exec(text)
  if (refused === null) return undefined
  const relations = [...refused[2]!.matchAll(/"([^"]+)"/g)].map((found) => found[1]!)
  const near = /Did you mean '"([^"]+)"'/.exec(text)?.[1]
  const message = `reads '${refused[1]!}', which ${relations.join(' and ') || 'no relation'} ${relations.length > 1 ? 'do' : 'does'} not have`
  return { message, ...(near === undefined ? {} : { hint: `Did you mean ${near}?` }) }
}

function abbreviated(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length <= MOST_LETTERS ? line : `${line.slice(0, MOST_LETTERS)}…`
}
